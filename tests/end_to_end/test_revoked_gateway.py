"""A gateway is revoked: its household is told, does what it is told, and goes on as a new gateway."""

from tests.world.collector import Collector
from tests.world.gateway import Gateway
from tests.world.processes import eventually


async def test_the_home_of_a_revoked_gateway_goes_on_as_it_is_told(gateway: Gateway, collector: Collector) -> None:
    """Under its old name it is refused without an end; the code stays good, and enrols the new gateway."""
    gateway.configure(report_every_s=1)
    await collector.start(until_ready=True)
    assert (await gateway.command("enrol", "--yes", await collector.code()))[0] == 0
    await gateway.start()
    await eventually(gateway.kept)
    assert "as a new gateway" in await collector.command("gateways", "revoke", revoked := gateway.name)
    await eventually(lambda: "refused kind=" in gateway.log())
    await gateway.stop()
    advice = f"stop the service, move {gateway.state_dir} elsewhere"
    assert advice in (await gateway.command("status"))[1]

    believed, code = len(collector.numbers()), await collector.code()
    exit_code, out, err = await gateway.command("enrol", "--yes", code)
    assert (exit_code, advice in out) == (77, True), out + err

    gateway.state_dir.rename(gateway.directory / "evidence")
    rounds = gateway.log().count("round ")
    await gateway.start()
    await eventually(lambda: gateway.log().count("round ") > rounds)
    exit_code, out, err = await gateway.command("enrol", "--yes", code)
    assert exit_code == 0, out + err
    assert gateway.name != revoked
    await eventually(gateway.kept)
    assert len(collector.numbers()) > believed
    assert (await gateway.status())["key_refused"] is False
    assert await gateway.stop() == 0
