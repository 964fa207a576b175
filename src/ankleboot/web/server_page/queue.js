// Files on their way to the server, some at a time. Rows keep what came back.

import { ask } from "./api.js";

const ABREAST = 4;
const TRIES = 8; // for a file that the server has no time for
const STOPPING = ["unreachable", "unauthorized", "rate_limited", "overloaded", "not_ready", "draining"];

export const WAITING = "waiting";
export const ASKED = "asked";
export const DONE = "done";
export const FAILED = "failed";

export class Queue {
  /** `changed` is called when a row has changed, and when all rest. */
  constructor(service, changed) {
    this.rows = [];
    this.model = service.default;
    this.note = ""; // why it stopped by itself, or what it waits for
    this.limits = service.limits;
    this.changed = changed;
    this.current = null; // the run: how to interrupt it, how many work, where to look for a row
  }

  get isRunning() {
    return this.current !== null;
  }

  add(named) {
    for (const { name, file } of named) {
      this.rows.push({ name, file, state: WAITING, prediction: null, error: null });
    }
  }

  /** Ask about all that wait, until they are through or `stop` is called. */
  run() {
    this.note = "";
    const run = (this.current ??= { interrupt: new AbortController(), workers: 0, next: 0 });
    while (run.workers < ABREAST) {
      run.workers++;
      this.work(run).then(() => {
        run.workers--;
        if (run.workers || this.current !== run) return;
        this.current = null;
        this.changed();
      });
    }
  }

  stop() {
    this.current?.interrupt.abort();
    this.current = null;
    for (const row of this.rows) if (row.state === ASKED) row.state = WAITING;
  }

  /** Forget the answers: they are to come from this model. */
  startAgain(model) {
    this.stop();
    this.model = model;
    const forgotten = { state: WAITING, prediction: null, error: null };
    for (const row of this.rows) Object.assign(row, forgotten);
  }

  clear() {
    this.stop();
    this.rows = [];
    this.note = "";
  }

  async work(run) {
    const { signal } = run.interrupt;
    while (!signal.aborted && run.next < this.rows.length) {
      const row = this.rows[run.next++];
      if (row.state !== WAITING) continue;
      row.state = ASKED;
      const answered = await this.answerTo(row, signal);
      if (signal.aborted) return; // `stop` has put the row back
      if (STOPPING.includes(answered.code)) {
        this.stop(); // it is no fault of the file
        this.note = answered.error;
        this.changed();
        return;
      }
      const { state, prediction, error } = answered;
      Object.assign(row, { state, prediction, error });
      this.note = "";
      this.changed();
    }
  }

  async answerTo(row, signal) {
    const waiting = (message) => {
      if (signal.aborted) return;
      this.note = message;
      this.changed();
    };
    const options = { limits: this.limits, signal, tries: TRIES, waiting };
    try {
      const { predictions } = await ask("predict", this.model, row.file, options);
      return { state: DONE, prediction: predictions[0], error: null };
    } catch ({ code, message }) {
      return { state: FAILED, prediction: null, error: message, code };
    }
  }
}
