// The API key, where the server wants one: asked once, kept in this tab.

import { byId } from "./dom.js";

const STORED = "ankleboot-key";
let asking = null;

export function storedKey() {
  return sessionStorage.getItem(STORED);
}

export function headersFor(key) {
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Ask for a key in place of the refused one (or of none); true once there is another. */
export async function askForKey(refused, message) {
  if (storedKey() !== refused) return true; // another request asked meanwhile
  asking ??= ask(message).finally(() => (asking = null));
  return asking;
}

function ask(message) {
  const dialog = byId("key-dialog");
  if (storedKey() !== null) byId("key-words").textContent = `That key was refused: ${message}`;
  byId("key").value = "";
  dialog.showModal();
  return new Promise((answered) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(STORED, byId("key").value.trim());
      dialog.close("key");
    };
    byId("key-cancel").onclick = () => dialog.close("");
    dialog.onclose = () => answered(dialog.returnValue === "key");
    dialog.returnValue = ""; // closed with Escape
  });
}
