// Services told by bonjour-service, on loopback only: node bonjour.js '[{"type": …, "name": …, "txt": …, "port": …}]'
const { Bonjour } = require("bonjour-service");

const network = new Bonjour({ interface: "127.0.0.1", bind: "0.0.0.0" });
const services = JSON.parse(process.argv[2]);
let told = 0;
for (const service of services) {
  const [, type, protocol] = /^_(.+)\._(tcp|udp)\.local\.$/.exec(service.type);
  network
    .publish({ ...service, type, protocol, disableIPv6: true })
    .on("up", () => ++told === services.length && console.log("ready"));
}
