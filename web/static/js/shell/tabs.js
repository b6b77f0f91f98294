// Tabs of one browser have one session: what one of them does to it, the others hear.

const channel = new BroadcastChannel("cairn-session");

/** Tell the other tabs that somebody signed in or out here. */
export const tellTabs = () => channel.postMessage(null);

/** Hear it from others. */
export function onTold(listener) {
  channel.onmessage = listener;
}
