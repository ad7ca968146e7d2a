// A device by modbus-serial: node modbus_serial.js '{"identification": …, "registers": …, "port": … or null}'
// With a port it is on that serial line, without one on a free TCP port, which it tells.
const { ServerSerial, ServerTCP } = require("modbus-serial");

const ANY_UNIT = 255;
const NO_SUCH_REGISTER = { modbusErrorCode: 2 };
const OBJECTS = { VendorName: 0, ProductCode: 1, MajorMinorRevision: 2, VendorUrl: 3, ProductName: 4, ModelName: 5 };

const device = JSON.parse(process.argv[2]);
const words = new Map();
for (const [first, held] of Object.entries(device.registers)) {
  const bytes = Buffer.from(held, "hex");
  for (let place = 0; place < bytes.length; place += 2) {
    words.set(Number(first) + place / 2, bytes.readUInt16BE(place));
  }
}

const vector = {
  getHoldingRegister(address) {
    if (!words.has(address)) throw NO_SUCH_REGISTER;
    return words.get(address);
  },
};
if (Object.keys(device.identification).length) {
  vector.readDeviceIdentification = () =>
    Object.fromEntries(Object.entries(device.identification).map(([name, value]) => [OBJECTS[name], value]));
}

if (device.port) {
  const server = new ServerSerial(vector, { path: device.port, baudRate: 9600, unitID: ANY_UNIT });
  server.on("initialized", () => console.log("ready on line"));
} else {
  // It takes the number 0 for no port at all, and then 502.
  const server = new ServerTCP(vector, { host: "127.0.0.1", port: "0", unitID: ANY_UNIT });
  server.on("initialized", () => console.log("ready on", server._server.address().port));
}
