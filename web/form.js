// The page's behaviour. The rules of the fields come from config.json, which is the contract's schema of a lead.

import { answerOf, brokenRule } from "./contract.js";
import { tidied } from "./tidy.js";

/** Every text that this script or the page shows, but for the words of the fields' rules, which are the contract's. */
const TEXTS = {
  lang: "en",
  title: "Leave your details",
  intro: "We pass them on to the store of your choice. Every field is needed; the benefit is up to you.",
  send: "Send",
  sending: "Sending…",
  reference: "Your reference:",
  errorTitle: "Error: ",
  summaryTitle: "Please check these entries",
  troubleTitle: "Your details were not sent",
  fields: {
    name: { label: "First name" },
    lastname: { label: "Last name" },
    rut: {
      label: "RUT",
      hint: "For example 11.111.111-1. Dots and the dash are optional.",
    },
    phone: { label: "Phone", hint: "For example +56 9 5454 5454." },
    mail: { label: "E-mail" },
    store: { label: "Store code", hint: "For example ESTACION_CENTRAL." },
    wantsBenefit: { label: "I want the benefit" },
  },
  problems: {
    required: "{label} is missing",
    rule: "{label} {words}",
    form: "must be of another form",
    server: "{label} was not accepted: {problem}",
  },
  trouble: {
    config: "The form could not be loaded completely. Check your connection and send again.",
    network:
      "We can't reach the service. Check your connection and send again: your entries are still here, and nothing " +
      "is stored twice.",
    busy: "The service is still busy. Your entries are still here; please send them again in a few minutes.",
    full: "We can't take any more details today. Your entries are still here; please send them again tomorrow.",
    server: "Something went wrong on our side. Your entries are still here; please send them again.",
  },
  retrying: "The service is busy. We try again in {seconds} s (try {attempt} of {attempts}).",
  onTheirWay: "Your details are on their way",
  steps: {
    submitted: "Sent",
    received: "Received",
    client: "Your details stored",
    partner: "Linked to the store",
    benefit: "Benefit noted",
  },
  stepStates: { done: "done", current: "in progress", waiting: "to do", failed: "failed" },
  reached: "{step}: done. {count} of {total} steps.",
  disconnected: "We can't ask for the progress right now, and keep trying.",
  completed: "Your details have arrived",
  completedAdvice: "All done. You can close this page.",
  failed: "Your details could not be processed",
  failedReason: "This stopped it: {reason}",
  failedAdvice: "Correct your entries and send again, or quote your reference to us.",
  keptAdvice: "Your details are not lost. Please keep your reference: you need not send them again.",
  unknownEnd:
    "Your details have been sent, but we could not see them arrive within two minutes. They are not lost: please " +
    "keep your reference, and don't send them again.",
  again: "Send another",
  back: "Back to your entries",
};

const ORIGIN = "web";
const SEND = { attempts: 5, pauseSeconds: 2, longestPauseSeconds: 30, timeoutMs: 30_000 };
const FULL = "DAILY_LIMIT_REACHED"; // until midnight: longer than a person waits here
const POLL = { firstMs: 250, factor: 1.5, longestMs: 2_000, totalMs: 120_000, timeoutMs: 10_000 };

const element = (id) => document.getElementById(id);
const form = element("form");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

class Trouble extends Error {}
class Refused extends Error {
  constructor(problems) {
    super("refused");
    this.problems = problems;
  }
}

// --- Fields: what people type, as the contract has it ---------------------------------------------------------

const valueOf = (input, lead) =>
  input.type === "checkbox" ? input.checked : tidied(lead.properties[input.name], input.value);

/** What is wrong with a field's value, as a sentence; null when it holds. */
function problemOf(field, value, lead) {
  const { label } = TEXTS.fields[field];
  if (value === "" && lead.required.includes(field)) return fill(TEXTS.problems.required, { label });
  if (typeof value !== "string" || value === "") return null;
  const schema = lead.properties[field];
  const rules = schema.oneOf?.find((each) => each.type === "string") ?? schema;
  return brokenRule(rules, value) ? fill(TEXTS.problems.rule, { label, words: schema["x-words"] ?? TEXTS.problems.form }) : null;
}

const inputs = () => Object.keys(TEXTS.fields).map(element);

function showProblem(input, problem) {
  element(`${input.id}-error`).textContent = problem ?? "";
  if (problem) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function recheck(input, lead) {
  if (input.type !== "checkbox") input.value = valueOf(input, lead);
  showProblem(input, problemOf(input.name, valueOf(input, lead), lead));
}

// --- The summary of errors ------------------------------------------------------------------------------------

function make(tag, text, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.textContent = text;
  return made;
}

/** Say at the top what is wrong, and go there. `problems`: [field or null, sentence]. */
function summarise(title, problems) {
  const list = make("ul", "");
  for (const [field, sentence] of problems) {
    const item = make("li", field ? "" : sentence);
    if (field) {
      const link = make("a", sentence, { href: `#${field}` });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        element(field).focus();
      });
      item.append(link);
    }
    list.append(item);
  }
  const summary = element("summary");
  summary.hidden = false;
  summary.replaceChildren(make("h2", title), list);
  summary.focus();
  document.title = TEXTS.errorTitle + TEXTS.title;
}

function clearSummary() {
  element("summary").hidden = true;
  element("summary").replaceChildren();
  document.title = TEXTS.title;
}

/** `field: problem; field: problem` of a 400, as pairs; what names no field of the form stays a sentence. */
function problemsOf(description) {
  const names = Object.keys(TEXTS.fields).join("|");
  return description.split("; ").map((part) => {
    const [, field, problem] = new RegExp(`^(${names}): (.+)$`, "s").exec(part) ?? [];
    if (!field) return [null, part];
    return [field, fill(TEXTS.problems.server, { label: TEXTS.fields[field].label, problem })];
  });
}

// --- Talking to the service -----------------------------------------------------------------------------------

let config;

/** config.json, fetched once; a failure is not kept, so that the next call tries again. */
function loadConfig() {
  config ??= fetch(new URL("config.json", import.meta.url))
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(response.status))))
    .catch(() => {
      config = undefined;
      throw new Trouble(TEXTS.trouble.config);
    });
  return config;
}

const call = (url, timeoutMs, options = {}) =>
  fetch(url, {
    credentials: "omit",
    cache: "no-store",
    redirect: "error", // a person's data must not go where a redirect points
    signal: AbortSignal.timeout(timeoutMs),
    ...options,
  });

const say = (text) => {
  if (element("status").textContent !== text) element("status").textContent = text;
};

/** The receipt's id and where to follow it. Sending again is safe: the CRM keeps one record for a RUT. */
async function submit(url, lead, receipt) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(lead) };
  for (let attempt = 1; ; attempt++) {
    const response = await call(url, SEND.timeoutMs, options).catch(() => {
      throw new Trouble(TEXTS.trouble.network);
    });
    if (response.status === 202) {
      const leadId = (await answerOf(response, receipt))?.leadId;
      const location = response.headers.get("Location");
      if (!leadId || location !== `leads/${leadId}`) throw new Trouble(TEXTS.trouble.server);
      return { leadId, url: new URL(location, url) };
    }
    if (response.status === 400) {
      const refusal = await response.json().catch(() => null);
      throw new Refused(problemsOf(String(refusal?.description ?? TEXTS.trouble.server)));
    }
    if (response.status !== 429 && response.status !== 503) throw new Trouble(TEXTS.trouble.server);
    if ((await response.json().catch(() => null))?.message === FULL) throw new Trouble(TEXTS.trouble.full);
    if (attempt === SEND.attempts) throw new Trouble(TEXTS.trouble.busy);
    const asked = Number(response.headers.get("Retry-After")) || SEND.pauseSeconds * attempt;
    const seconds = Math.min(asked, SEND.longestPauseSeconds);
    say(fill(TEXTS.retrying, { seconds, attempt: attempt + 1, attempts: SEND.attempts }));
    await sleep(seconds * 1000);
  }
}

/** The lead's last status: COMPLETED or FAILED, or null when its end could not be seen. */
async function follow(url, schema, onProgress) {
  const deadline = Date.now() + POLL.totalMs;
  for (let pause = POLL.firstMs; Date.now() < deadline; pause = Math.min(pause * POLL.factor, POLL.longestMs)) {
    await sleep(pause);
    const response = await call(url, POLL.timeoutMs).catch(() => null);
    if (response?.status === 400 || response?.status === 404) return null;
    const status = response?.status === 200 ? await answerOf(response, schema) : null;
    if (!status) say(TEXTS.disconnected);
    else if (status.status === "COMPLETED" || status.status === "FAILED") return status;
    else onProgress(status);
  }
  return null;
}

// --- Showing a lead's way -------------------------------------------------------------------------------------

function show(section) {
  for (const id of ["entry", "progress"]) element(id).hidden = id !== section;
  element("outcome").hidden = true;
}

/** `passed`: the contract's last step that is done; `end`: COMPLETED, FAILED or nothing yet. */
function showSteps(passed, end) {
  const names = Object.keys(TEXTS.steps);
  const next = names.indexOf(passed) + 1;
  const items = names.map((name, index) => {
    const waiting = { FAILED: "failed", PROCESSING: "current" }[end ?? "PROCESSING"];
    const state = index < next || end === "COMPLETED" ? "done" : index === next ? waiting : "waiting";
    const item = make("li", "", { className: state });
    item.append(make("span", TEXTS.steps[name]), " ", make("span", TEXTS.stepStates[state], { className: "state" }));
    if (state === "current") item.setAttribute("aria-current", "step");
    return item;
  });
  element("steps").replaceChildren(...items);
  if (!end) say(fill(TEXTS.reached, { step: TEXTS.steps[passed], count: next, total: names.length }));
}

function showReceipt(leadId) {
  show("progress");
  element("progress-title").textContent = TEXTS.onTheirWay;
  element("reference").textContent = leadId;
  showSteps("submitted");
  element("progress-title").focus();
}

function showEnd(status) {
  const failed = status?.status === "FAILED";
  if (status) showSteps(status.step, status.status);
  if (status) element("progress-title").textContent = failed ? TEXTS.failed : TEXTS.completed;
  element("outcome").hidden = false;
  element("reason").replaceChildren();
  if (failed) {
    const { code, description } = status.error ?? {};
    const words =
      code === "InvalidLead"
        ? [fill(TEXTS.failedReason, { reason: description }), TEXTS.failedAdvice]
        : [TEXTS.keptAdvice];
    element("reason").replaceChildren(...words.map((each) => make("p", each)));
  }
  element("again").textContent = failed ? TEXTS.back : TEXTS.again;
  if (!failed) form.reset();
  if (status) say(failed ? "" : TEXTS.completedAdvice); // the reason is an alert of its own
  else say(TEXTS.unknownEnd);
}

// --- Events ---------------------------------------------------------------------------------------------------

let busy = false;

function setBusy(value) {
  busy = value;
  element("send").setAttribute("aria-disabled", String(value));
  element("send").textContent = value ? TEXTS.sending : TEXTS.send;
}

async function deliver() {
  const { apiUrl, lead, receipt, status } = await loadConfig();
  for (const input of inputs()) recheck(input, lead);
  const values = Object.fromEntries(inputs().map((input) => [input.name, valueOf(input, lead)]));
  const problems = Object.entries(values).map(([field, value]) => [field, problemOf(field, value, lead)]);
  const broken = problems.filter(([, problem]) => problem);
  if (broken.length) throw new Refused(broken);
  clearSummary();
  say(TEXTS.sending);
  const sent = await submit(`${apiUrl}/leads`, { ...values, origin: ORIGIN }, receipt);
  showReceipt(sent.leadId);
  showEnd(await follow(sent.url, status, (reached) => showSteps(reached.step)));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy) return;
  setBusy(true);
  try {
    await deliver();
  } catch (error) {
    say("");
    if (error instanceof Refused) {
      for (const [field, problem] of error.problems) if (field) showProblem(element(field), problem);
      summarise(TEXTS.summaryTitle, error.problems);
    } else if (error instanceof Trouble) summarise(TEXTS.troubleTitle, [[null, error.message]]);
    else throw error;
  } finally {
    setBusy(false);
  }
});

const touched = new WeakSet();
const withRules = (action) => loadConfig().then(({ lead }) => action(lead), () => {}); // submitting says so

form.addEventListener("input", ({ target }) => {
  touched.add(target);
  if (target.hasAttribute("aria-invalid"))
    withRules((lead) => problemOf(target.name, valueOf(target, lead), lead) ?? showProblem(target, null));
});

form.addEventListener("focusout", ({ target, relatedTarget }) => {
  // on the way to the button nothing may move under the pointer, and submitting checks everything
  if (touched.has(target) && relatedTarget !== element("send")) withRules((lead) => recheck(target, lead));
});

element("again").addEventListener("click", () => {
  show("entry");
  say("");
  inputs()[0].focus();
});

function start() {
  document.documentElement.lang = TEXTS.lang;
  document.title = TEXTS.title;
  for (const each of document.querySelectorAll("[data-text]"))
    each.textContent = each.dataset.text.split(".").reduce((texts, name) => texts[name], TEXTS);
  withRules((lead) => {
    for (const input of inputs()) input.required = input.type !== "checkbox" && lead.required.includes(input.name);
  });
  element("loading").remove();
  show("entry");
}

start();
