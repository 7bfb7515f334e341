// Shows the latest messages and the model's state, asking the JSON API again and again.
"use strict";

const POLL = 1500;
const SMOKE_TEST = "smoke-test";

const byId = (id) => document.getElementById(id);
const seen = new Set();
let label = null;
let first = true;
let shown = "";

async function ask(path, options) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(8000), ...options });
  const document = await response.json();
  if (!response.ok) throw new Error(typeof document.detail === "string" ? document.detail : response.statusText);
  return document;
}

async function poll() {
  await Promise.allSettled([showStatus(), refresh()]);
  setTimeout(poll, POLL);
}

async function refresh() {
  const query = new URLSearchParams({ limit: "50" });
  if (label) query.set("label", label);
  if (!byId("smoke-tests").checked) query.set("exclude_source", SMOKE_TEST);
  try {
    const answer = await ask(`/api/messages?${query}`);
    showMessages(answer.messages);
    showFilters(answer.counts);
  } catch {
    note("The server does not answer. Trying again …", true);
    return;
  }
  if (byId("note").classList.contains("bad")) note("");
}

async function showStatus() {
  try {
    const status = await ask("/api/status");
    byId("version").textContent = status.version;
    byId("version").title = status.release ? `Release ${status.release}` : "Not a release";
    byId("environment").textContent = status.environment;
    byId("environment").hidden = false;
    showModel(status.model);
  } catch {
    showModel({ ready: false, progress: 0, stage: "no answer" });
  }
}

function showModel({ ready, progress, stage }) {
  const down = stage === "no answer";
  byId("model").dataset.state = ready ? "ready" : down ? "down" : "loading";
  byId("model-text").textContent = ready || down ? `Model: ${stage}` : `Model: ${stage}, ${Math.round(progress * 100)} %`;
  byId("model-progress").hidden = ready || down;
  byId("model-progress").value = progress;
}

function showFilters(counts) {
  const total = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const entries = [[null, total], ...Object.entries(counts).sort()];
  byId("filters").hidden = total === 0;
  const focused = document.activeElement?.dataset?.label;
  byId("filters").replaceChildren(...entries.map(([name, number]) => filterButton(name, number)));
  if (focused !== undefined) byId("filters").querySelector(`[data-label="${CSS.escape(focused)}"]`)?.focus();
  byId("empty").hidden = total !== 0;
}

function filterButton(name, number) {
  const button = document.createElement("button");
  const count = document.createElement("b");
  count.textContent = number;
  button.type = "button";
  button.dataset.label = name ?? "";
  button.setAttribute("aria-pressed", String(name === label));
  button.append(name ?? "all", count);
  button.addEventListener("click", () => {
    label = name;
    refresh();
  });
  return button;
}

function showMessages(messages) {
  const state = JSON.stringify(messages);
  if (state !== shown) {
    shown = state;
    byId("messages").replaceChildren(...messages.map(messageItem));
    first = false;
  }
  for (const time of document.querySelectorAll("time")) time.textContent = ago(new Date(time.dateTime));
}

function messageItem(message) {
  const item = byId("message").content.cloneNode(true).firstElementChild;
  const part = (selector) => item.querySelector(selector);
  item.dataset.label = message.label;
  part(".label").textContent = message.label;
  part(".text").textContent = message.text;
  part("meter").value = message.confidence;
  part(".percent").textContent = `${Math.round(message.confidence * 100)} %`;
  part(".source").textContent = message.source;
  part("time").dateTime = message.received_at;
  part("time").title = new Date(message.received_at).toLocaleString();
  if (!first && !seen.has(message.id)) item.classList.add("new");
  seen.add(message.id);
  return item;
}

function ago(date) {
  const seconds = Math.max(0, Math.round((Date.now() - date) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function note(text, bad = false) {
  byId("note").textContent = text;
  byId("note").classList.toggle("bad", bad);
}

byId("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ text: byId("text").value, source: "page" });
  try {
    await ask("/webhook", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    byId("send").reset();
    note("Sent. It appears as soon as it is classified.");
    setTimeout(() => { note(""); refresh(); }, 700);
  } catch (error) {
    note(`Not sent: ${error.message}`, true);
  }
});

byId("smoke-tests").addEventListener("change", refresh);
byId("example").textContent =
  `curl ${location.origin}/webhook \\\n  -H 'Content-Type: application/json' \\\n` +
  `  -d '{"text": "Please send us a quote for 40 seats", "source": "terminal"}'`;
poll();
