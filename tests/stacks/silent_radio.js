// For `node -r`: the one part of Zigbee2MQTT that needs hardware, a radio, is replaced by one that hears nobody.
const { Adapter } = require("zigbee-herdsman/dist/adapter");

class SilentRadio extends Adapter {
  start = async () => "resumed";
  stop = async () => {};
  getCoordinatorIEEE = async () => process.env.COORDINATOR;
  getCoordinatorVersion = async () => ({ type: "zStack3x0", meta: { revision: 20240710 } });
  getNetworkParameters = async () => ({ panID: 6754, extendedPanID: "0xdddddddddddddddd", channel: 11, nwkUpdateID: 0 });
  supportsBackup = async () => false;
  permitJoin = async () => {};
  sendZdo = () => unreachable();
  sendZclFrameToEndpoint = () => unreachable();
  sendZclFrameToGroup = () => unreachable();
  sendZclFrameToAll = () => unreachable();
}

async function unreachable() {
  throw new Error("nobody is there");
}

Adapter.create = async (...options) => new SilentRadio(...options);
