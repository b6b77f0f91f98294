// From where an address can be reached, as far as it tells by itself.

const HOME_NAMES = /^[^.]+$|\.(local|lan|home|internal|home\.arpa)$/i;
const HOME_NUMBERS = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/;
const HOME_SIX = /^\[(::1|fe[89ab]|f[cd])/i;

/** Whether an address leads somewhere in the network at home alone. */
export function isHomeOnly(address) {
  const { hostname } = new URL(address);
  if (hostname.startsWith("[")) return HOME_SIX.test(hostname);
  return /^[\d.]+$/.test(hostname) ? HOME_NUMBERS.test(hostname) : HOME_NAMES.test(hostname);
}
