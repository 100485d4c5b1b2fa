// The console's own script. What strangers have written gets into a page as textContent alone.
"use strict";

const MOST_ROWS = 200;
const RETRY_MILLISECONDS = 3000;
const byId = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// --- The list of deliveries -------------------------------------------------------------------------
class Deliveries {
  constructor(table) {
    this.body = table.tBodies[0];
    this.rows = new Map();
    this.hidden = new Set();
    this.place = "";
    this.paused = false;
    byId("q").value = new URLSearchParams(location.hash.slice(1)).get("q") ?? "";
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    byId("q").addEventListener("input", () => this.filterSoon());
    byId("pause").addEventListener("click", () => this.pause());
    this.follow();
  }

  filterSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => {
      history.replaceState(null, "", `#${new URLSearchParams({ q: byId("q").value })}`);
      this.place = "";
      this.clear();
      if (!this.paused) this.follow();
    }, 200);
  }

  pause() {
    this.paused = !this.paused;
    byId("pause").setAttribute("aria-pressed", this.paused);
    byId("pause").textContent = this.paused ? "Go on" : "Pause";
    if (this.paused) this.stop();
    else this.follow(); // from where it stopped: the server queues nothing for a page that waits
    this.tell();
  }

  stop() {
    this.source?.close();
    clearTimeout(this.again);
  }

  follow() {
    this.stop();
    const asked = new URLSearchParams({ q: byId("q").value, after: this.place });
    const source = new EventSource(`/stream?${asked}`);
    this.source = source;
    source.addEventListener("open", () => (byId("link").hidden = true));
    source.addEventListener("error", () => {
      byId("link").hidden = false;
      if (source.readyState === EventSource.CLOSED && !this.paused) {
        this.again = setTimeout(() => this.follow(), RETRY_MILLISECONDS);
      }
    });
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        this.place = event.lastEventId;
        act(JSON.parse(event.data));
        this.tell();
      });
    on("reset", () => this.clear());
    on("deliveries", (all) => all.forEach((each) => (each.hidden ? this.hide(each.number) : this.show(each))));
    on("trouble", ({ text }) => {
      byId("trouble").hidden = !text;
      byId("trouble").textContent = text;
    });
  }

  clear() {
    this.rows.clear();
    this.hidden.clear();
    this.body.replaceChildren();
  }

  hide(number) {
    this.hidden.add(number);
    this.rows.get(number)?.remove();
    this.rows.delete(number);
  }

  show(delivery) {
    this.hidden.delete(delivery.number);
    const row = this.rows.get(delivery.number) ?? this.placeFor(delivery.number);
    if (row) this.fill(row, delivery);
  }

  placeFor(number) {
    const next = [...this.body.rows].find((each) => Number(each.dataset.number) < number) ?? null;
    if (!next && this.rows.size >= MOST_ROWS) return null; // older than all that is shown
    const row = element("tr", null, "new");
    row.dataset.number = number;
    const link = element("a");
    link.href = `/delivery?n=${number}`;
    for (let column = 0; column < 6; column += 1) row.append(element("td"));
    row.cells[1].append(element("span"));
    row.cells[3].append(link);
    this.body.insertBefore(row, next);
    this.rows.set(number, row);
    if (this.rows.size > MOST_ROWS) {
      const last = this.body.lastElementChild;
      this.rows.delete(Number(last.dataset.number));
      last.remove();
    }
    return row;
  }

  fill(row, delivery) {
    const [time, state, answer, event, uuid, took] = row.cells;
    time.textContent = delivery.at.slice(11, 23);
    state.firstElementChild.className = `state ${delivery.standing}`;
    state.firstElementChild.textContent = delivery.standing;
    answer.textContent = [delivery.status, delivery.outcome].filter((each) => each !== null).join(" ");
    event.firstElementChild.textContent = delivery.event ?? delivery.request ?? "no event";
    uuid.textContent = delivery.uuid ?? "";
    took.textContent = delivery.milliseconds === null ? "" : `${delivery.milliseconds} ms`;
    row.title = delivery.error ?? "";
  }

  tell() {
    byId("nothing").hidden = this.rows.size + this.hidden.size > 0;
    const hidden = this.hidden.size ? `, ${this.hidden.size} hidden` : "";
    byId("count").textContent = `${this.rows.size} shown${hidden}${this.paused ? ", paused" : ""}`;
  }

  move(steps) {
    const rows = [...this.body.rows];
    const at = rows.indexOf(document.activeElement.closest?.("tr"));
    const next = at < 0 ? 0 : Math.min(Math.max(at + steps, 0), rows.length - 1);
    rows[next]?.querySelector("a").focus();
  }
}

// --- One delivery: says so when it has changed ------------------------------------------------------
function watch(changed) {
  const { place, number } = changed.dataset;
  const source = new EventSource(`/stream?${new URLSearchParams({ after: place })}`);
  source.addEventListener("deliveries", (event) => {
    if (JSON.parse(event.data).some((each) => each.number === Number(number))) {
      changed.hidden = false;
      source.close();
    }
  });
}

// --- Keys and copying -------------------------------------------------------------------------------
const list = byId("deliveries") && new Deliveries(byId("deliveries"));
if (byId("changed")) watch(byId("changed"));

const KEYS = {
  j: () => list?.move(1),
  k: () => list?.move(-1),
  "/": () => document.querySelector("[type=search]")?.focus(),
  p: () => list?.pause(),
  r: () => byId("replay")?.querySelector("input:not([type=hidden])").focus(),
  "?": () => byId("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

byId("show-keys")?.addEventListener("click", () => byId("keys").showModal());

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
}
