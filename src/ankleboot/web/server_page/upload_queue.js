// Queue of files to classify, several requests at a time. Rows keep the results.

import { send } from "./api_client.js";

const NUM_WORKERS = 4; // concurrent requests
const MAX_TRIES = 8; // per file, while the server is busy
/** Errors that concern the server instead of one file. */
const STOPPING = ["unreachable", "unauthorized", "rate_limited", "overloaded", "not_ready", "draining"];

export const WAITING = "waiting";
const SENT = "sent";
export const DONE = "done";
export const FAILED = "failed";

const UNSENT = { state: WAITING, prediction: null, error: null };

export class UploadQueue {
  /** `changed` is called when a row has changed and when the queue stops. */
  constructor(service, changed) {
    this.rows = [];
    this.model = service.default;
    this.note = ""; // reason to stop or wait
    this.limits = service.limits;
    this.changed = changed;
    this.current = null; // the run in progress: {requests, workers, next}
  }

  get isRunning() {
    return this.current !== null;
  }

  add(named) {
    for (const { name, file } of named) this.rows.push({ name, file, ...UNSENT });
  }

  /** Send all waiting files until they are done or `stop` is called. */
  run() {
    this.note = "";
    const run = (this.current ??= { requests: new AbortController(), workers: 0, next: 0 });
    while (run.workers < NUM_WORKERS) {
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
    this.current?.requests.abort();
    this.current = null;
    for (const row of this.rows) if (row.state === SENT) row.state = WAITING;
  }

  /** Discard all results and continue with this model. */
  restart(model) {
    this.stop();
    this.model = model;
    for (const row of this.rows) Object.assign(row, UNSENT);
  }

  clear() {
    this.stop();
    this.rows = [];
    this.note = "";
  }

  async work(run) {
    const { signal } = run.requests;
    while (!signal.aborted && run.next < this.rows.length) {
      const row = this.rows[run.next++];
      if (row.state !== WAITING) continue;
      row.state = SENT;
      const { code, ...result } = await this.predict(row, signal);
      if (signal.aborted) return; // `stop` has reset the row
      if (STOPPING.includes(code)) {
        this.stop();
        this.note = result.error;
        this.changed();
        return;
      }
      Object.assign(row, result);
      this.note = "";
      this.changed();
    }
  }

  async predict(row, signal) {
    const waiting = (message) => {
      if (signal.aborted) return;
      this.note = message;
      this.changed();
    };
    const options = { limits: this.limits, signal, tries: MAX_TRIES, waiting };
    try {
      const { predictions } = await send("predict", this.model, row.file, options);
      return { state: DONE, prediction: predictions[0], error: null };
    } catch ({ code, message }) {
      return { state: FAILED, prediction: null, error: message, code };
    }
  }
}
