// API key, if the server requires one: asked for once, stored until the tab is closed.

import { byId } from "./dom.js";

const STORED = "ankleboot-key";
let pending = null; // the open dialog, shared by all requests

export function storedKey() {
  return sessionStorage.getItem(STORED);
}

/** Return the headers for a key. */
export function authorization(key) {
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Ask for a key to replace the refused one (null: none was sent); true once there is another. */
export async function askForKey(refused, message) {
  if (storedKey() !== refused) return true; // another request has asked meanwhile
  pending ??= openDialog(message).finally(() => (pending = null));
  return pending;
}

function openDialog(message) {
  const dialog = byId("key-dialog");
  if (storedKey() !== null) byId("key-text").textContent = `The server refused this key: ${message}`;
  byId("key").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORED, byId("key").value.trim());
      dialog.close("key");
    };
    byId("key-cancel").onclick = () => dialog.close("");
    dialog.onclose = () => resolve(dialog.returnValue === "key");
    dialog.returnValue = ""; // applies to Escape
  });
}
