"""The operator's map: which model of the register a product of a feed is, and what else is known of it.

    [manufacturers]                              # by the first part of the names that an import gives
    zigbee-4476 = "ikea"                         # zigbee-4476/4557 becomes ikea/4557, made by ikea

    [models."zigbee-4476/4557"]                  # one product; goes before its manufacturer's entry
    model = "ikea/rodret"
    ids = ["zigbee:IKEA of Sweden/RODRET Dimmer"]
    class = "lamp"                               # and every other field of a `model` fact

Two products of two feeds may be one model: that is how they are joined. Nothing else joins them.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from collector.catalogue.importers import Draft, Imported
from collector.errors import ConfigError


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the operator says of one product; the fields are those of a `model` fact."""

    model: str | None = None
    manufacturer: str | None = None
    ids: tuple[str, ...] = ()
    device_class: str | None = msgspec.field(default=None, name="class")
    power: str | None = None
    scheme: str | None = None
    general_availability: str | None = None
    expected_use_months: int | None = None
    advisory_source: bool | None = None
    auto_update: bool | None = None


class ModelMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole map; an empty one changes nothing."""

    manufacturers: Mapping[str, str] = {}
    models: Mapping[str, Entry] = {}

    def named(self, imported: Imported) -> Imported:
        """What a file says, of models instead of products."""
        return msgspec.structs.replace(imported, drafts=tuple(map(self.apply, imported.drafts)))

    def apply(self, draft: Draft) -> Draft:
        """The draft about the model that its product is."""
        name = str(draft.fields["model"])
        authority, _, product = name.partition("/")
        maker, entry = self.manufacturers.get(authority), self.models.get(name, Entry())
        fields: dict[str, Any] = {**draft.fields, "model": f"{maker}/{product}" if maker else name}
        if draft.kind == "model":
            fields |= {"manufacturer": maker} if maker else {}
            fields |= msgspec.to_builtins(entry) | {"ids": sorted({*fields["ids"], *entry.ids})}
        elif entry.model is not None:
            fields["model"] = entry.model
        return msgspec.structs.replace(draft, fields=fields)


def read(path: Path) -> ModelMap:
    """The map in a TOML file.

    Raises:
        ConfigError: It cannot be read, or is no map.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ModelMap)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(str(path), "", str(error)) from error
