// One image at a time: what it shows, what is predicted, what it is like, and the decision.

import { showBarChart } from "./bar_chart.js";
import { keyOf } from "./class_keys.js";
import { byId, make } from "./dom.js";
import { get, imageUrl, post } from "./session_client.js";

const PAGE = 50; // items of one request
const AHEAD = 3; // images that are fetched before they are needed
const SIDE = 640; // pixels of the image
const THUMBNAIL = 160;
const REFIT_AFTER = 20; // decisions about new images
const SMALL = 96; // pixels; smaller images are drawn with sharp pixels
const MANY_CLASSES = 10; // more get a search field

export class OneByOne {
  #items = new Map(); // by position in the queue
  #position = 0;
  #total = 0;
  #sinceRefit = 0;
  #waiting = Promise.resolve(); // decisions are sent one after the other
  #opened = false;

  constructor({ session, showProgress, showFault }) {
    Object.assign(this, { session, showProgress, showFault });
    this.#total = session.progress.total;
    if (session.mode === "new") byId("keep-text").textContent = "Skip";
    this.#drawClasses();
    const listen = (id, action) => byId(id).addEventListener("click", () => action().catch(showFault));
    listen("keep", () => this.keep());
    listen("unusable", () => this.decide(""));
    listen("undo", () => this.undo());
    listen("previous", () => this.step(-1));
    listen("next", () => this.step(1));
    byId("search").addEventListener("input", () => this.#filterClasses());
    byId("search").hidden = session.classes.length <= MANY_CLASSES;
  }

  /** Show the image at a position, or again the one that was shown last. */
  async open(position = this.#position) {
    if (this.#opened) this.#items.clear(); // the other view may have decided
    this.#opened = true;
    await this.#show(Math.min(position, Math.max(this.#total - 1, 0)));
  }

  async step(by) {
    const position = this.#position + by;
    if (position >= 0 && position < this.#total) await this.#show(position);
  }

  /** Keep the label; without one, go on. */
  async keep() {
    const item = this.#items.get(this.#position);
    if (!item) return;
    const isOpen = item.label !== "" && ["", "unusable"].includes(item.decision);
    await (isOpen ? this.decide(item.label) : this.step(1));
  }

  /** Take the predicted class. */
  async accept() {
    const item = this.#items.get(this.#position);
    const [best] = item?.model?.predictions[0] ?? item?.predictions[0] ?? [];
    if (best) await this.decide(best);
  }

  /** Store a decision, and go to the next image; "" means not usable. */
  async decide(label) {
    const [item, position] = [this.#items.get(this.#position), this.#position];
    if (!item) return;
    const stored = this.#send("decide", { rows: [item.row], label });
    stored.catch(() => {}); // awaited below
    if (position + 1 < this.#total) await this.#show(position + 1);
    try {
      await stored;
    } catch (error) {
      await this.#show(position); // it waits for its decision
      throw error;
    }
    if (position === this.#position) await this.#show(position);
    if (label && this.session.can_refit && ++this.#sinceRefit >= REFIT_AFTER) await this.#refit();
  }

  /** Take the last decision back, also one of an earlier session, and show its image. */
  async undo() {
    const { items } = await this.#send("undo", {});
    if (!items.length) throw new Error("There is no decision about these images to take back.");
    const position = await this.#positionOf(items[0].row);
    await this.#show(position);
  }

  search() {
    byId("search").focus();
    byId("search").select();
    return Promise.resolve();
  }

  /** Act on a key in the search field; return whether it means anything there. */
  searchKey(key) {
    if (key === "Escape") this.#leaveSearch();
    else if (key === "Enter") {
      const first = byId("choices").querySelector("button:not([hidden])");
      this.#leaveSearch();
      first?.click();
    } else return false;
    return true;
  }

  #leaveSearch() {
    byId("search").value = "";
    byId("search").blur();
    this.#filterClasses();
  }

  /** Send after all that was sent before, so that the order of decisions is that of the keys. */
  #send(route, document) {
    const sent = this.#waiting.then(() => post(route, document)).then((response) => {
      for (const item of response.items ?? []) this.#update(item);
      this.showProgress(response.progress);
      this.showFault(null);
      return response;
    });
    this.#waiting = sent.catch(() => {});
    return sent;
  }

  #update(item) {
    for (const [position, known] of this.#items) {
      if (known.row === item.row) this.#items.set(position, item);
    }
  }

  async #positionOf(row) {
    for (const [position, item] of this.#items) if (item.row === row) return position;
    for (let start = 0; start < this.#total; start += PAGE) {
      await this.#load(start);
      for (const [position, item] of this.#items) if (item.row === row) return position;
    }
    return this.#position;
  }

  async #refit() {
    this.#sinceRefit = 0;
    byId("status").textContent = "Learning from your decisions …";
    const { progress } = await post("refit");
    this.#items.clear();
    this.showProgress(progress);
    await this.#show(Math.min(progress.next, this.#total - 1));
  }

  async #load(position) {
    const start = position - (position % PAGE);
    const { items, total } = await get("items", { start, count: PAGE });
    this.#total = total;
    items.forEach((item, i) => this.#items.set(start + i, item));
  }

  async #show(position) {
    this.#position = position;
    if (!this.#items.has(position)) await this.#load(position);
    const item = this.#items.get(position);
    if (position !== this.#position || !item) return; // a later key has moved on
    this.#describe(item, position);
    await Promise.all([this.#draw(item, position), this.#drawNeighbors(item, position)]);
    this.#fetchAhead(position);
  }

  #describe(item, position) {
    const { label, decision, first_label: first, suspect } = item;
    const isOpen = decision === "";
    byId("name").textContent = item.name;
    const text = { unusable: "Not usable", "": label || "No label yet" }[decision] ?? label;
    const was = first && first !== label && decision === "changed" ? ` was ${first}` : "";
    const kept = decision === "confirmed" ? " kept" : "";
    const doubtful = suspect && isOpen ? " doubtful" : "";
    byId("label").replaceChildren(text, make("span", { class: "was" }, was || kept || doubtful));
    byId("label").classList.toggle("doubtful", suspect && isOpen);
    byId("position").textContent = `${(position + 1).toLocaleString("en")} of ${this.#total.toLocaleString("en")}`;
    byId("previous").disabled = position === 0;
    byId("next").disabled = position + 1 >= this.#total;
    const best = item.predictions[0]?.[0];
    byId("predicted-none").hidden = item.predictions.length > 0;
    showBarChart(byId("bars"), item.predictions, best);
    byId("model-box").hidden = item.model === null;
    if (item.model) {
      byId("model-name").textContent = this.session.model;
      showBarChart(byId("model-bars"), item.model.predictions, item.model.predictions[0][0]);
      byId("model-learned").hidden = !item.model.learned;
    }
    for (const button of byId("choices").children) {
      const isLabel = button.value === label && decision !== "unusable";
      button.setAttribute("aria-pressed", isLabel);
      button.classList.toggle("predicted", button.value === best);
    }
  }

  async #draw(item, position) {
    const image = byId("image");
    const url = await imageUrl("shown", item.row, SIDE);
    if (position !== this.#position) return;
    image.src = url;
    image.alt = item.label ? `Image labeled ${item.label}` : "Image without a label";
    await image.decode().catch(() => {});
    image.classList.toggle("small", Math.max(image.naturalWidth, image.naturalHeight) <= SMALL);
  }

  async #drawNeighbors(item, position) {
    const neighbors = await get("neighbors", { row: item.row });
    if (position !== this.#position) return;
    const set = this.session.mode === "new" ? "known" : "shown";
    const cells = neighbors.map(({ row, name, label }) => {
      const isSame = label === item.label;
      const image = make("img", { alt: "", title: name });
      imageUrl(set, row, THUMBNAIL).then((url) => {
        image.src = url;
        image.decode().then(() => image.classList.toggle("small", image.naturalWidth <= SMALL), () => {});
      }, () => {});
      return make("li", {}, image, make("span", isSame ? { class: "same" } : {}, label));
    });
    byId("neighbors").replaceChildren(...cells);
  }

  #fetchAhead(position) {
    for (let next = position + 1; next <= position + AHEAD && next < this.#total; next++) {
      const item = this.#items.get(next);
      if (item) imageUrl("shown", item.row, SIDE).catch(() => {});
      else return void this.#load(next).catch(() => {});
    }
  }

  #drawClasses() {
    this.session.classes.forEach((name, index) => {
      const key = keyOf(index);
      const hint = key ? [make("kbd", {}, key.toUpperCase())] : [];
      const button = make("button", { value: name, "aria-pressed": "false" }, ...hint, name);
      if (key) button.setAttribute("aria-keyshortcuts", key);
      button.addEventListener("click", () => this.decide(name).catch(this.showFault));
      byId("choices").append(button);
    });
  }

  #filterClasses() {
    const text = byId("search").value.trim().toLowerCase();
    let shown = 0;
    for (const button of byId("choices").children) {
      button.hidden = !button.value.toLowerCase().includes(text);
      shown += !button.hidden;
    }
    byId("no-match").hidden = shown > 0;
  }
}
