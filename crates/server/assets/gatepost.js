// Adds what needs a script: "Show" beside passwords, "Copy" beside commands, passkeys, a busy sign on slow posts.
// Words come from data attributes, so that they are in the page's language. Without script nothing is missing.
"use strict";

const status = document.createElement("p");
status.className = "visually-hidden";
status.setAttribute("role", "status");
document.body.append(status);

function makeButton(label, className) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  button.textContent = label;
  return button;
}

function addShowButton(input) {
  const { show, hide, showName, hideName, shown, hidden } = input.dataset;
  const button = makeButton(show, "button");
  button.setAttribute("aria-controls", input.id);
  button.setAttribute("aria-label", showName);
  const set = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? hide : show;
    button.setAttribute("aria-label", visible ? hideName : showName);
  };
  button.addEventListener("click", () => {
    const visible = input.type === "password";
    set(visible);
    status.textContent = visible ? shown : hidden;
  });
  // browsers keep what is typed into text fields, so a password must leave as one
  input.form?.addEventListener("submit", () => set(false));
  input.autocapitalize = "none";
  input.spellcheck = false;
  input.after(button);
}

function addCopyButton(code) {
  const { copy, copied } = code.dataset;
  const button = makeButton(copy, "button small");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = copied;
      status.textContent = copied;
      setTimeout(() => { button.textContent = copy; }, 2000);
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
  code.after(button);
}

function addPrintButton(element) {
  const button = makeButton(element.dataset.print, "button small");
  button.addEventListener("click", () => print());
  element.after(button);
}

document.querySelectorAll("[data-print]").forEach(addPrintButton);
// the clipboard exists on https and on this computer only
if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(addCopyButton);
document.querySelectorAll("input[data-show]").forEach(addShowButton);

// ---------- passkeys: the server makes the options and takes the answer as an ordinary form

const canPasskeys = Boolean(window.PublicKeyCredential && navigator.credentials?.get && navigator.credentials.create);
// a challenge is good for five minutes
const CHALLENGE_LIFE = 270_000;
// the person changed their mind, or another call took over
const QUIET = ["AbortError", "NotAllowedError"];

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  if (!buffer) return null;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readOptions(options) {
  const list = (known) => known?.map((one) => ({ ...one, id: toBytes(one.id) }));
  const read = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = list(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = list(options.allowCredentials);
  return read;
}

function writeCredential({ id, rawId, type, response }) {
  const names = response.attestationObject ? ["attestationObject"] : ["authenticatorData", "signature", "userHandle"];
  const parts = ["clientDataJSON", ...names].map((name) => [name, toText(response[name])]);
  return JSON.stringify({ id, rawId: toText(rawId), type, response: Object.fromEntries(parts) });
}

/** Sends what the page's own form would send, without what stands in its fields. */
function sendForm(action, fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  form.hidden = true;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    input.type = "hidden";
    Object.assign(input, { name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

class Passkeys {
  constructor(place) {
    this.words = place.dataset;
    this.kind = place.dataset.passkey;
    this.form = place.closest("form");
    this.makes = this.kind === "enrol" || this.kind === "sign-up";
    this.line = document.createElement("p");
    this.line.className = "hint";
    this.line.setAttribute("role", "status");
    const button = makeButton(this.words.label, this.words.class);
    button.addEventListener("click", () => this.press());
    place.append(button, this.line);
    this.placeOr(place);
  }

  /** One line "or" stands between the page's first button and all the others. */
  placeOr(place) {
    if (!this.words.class.includes("full") || this.words.class.includes("primary")) return;
    const there = place.parentElement.querySelector(".or");
    if (there) return place.compareDocumentPosition(there) & Node.DOCUMENT_POSITION_FOLLOWING && there.after(place);
    const or = document.createElement("p");
    or.className = "or";
    or.textContent = this.words.or;
    place.before(or);
  }

  field(name) {
    return this.form.elements[name]?.value ?? "";
  }

  async press() {
    const typed = this.kind === "sign-up" ? ["email", "name"] : [];
    if (!typed.every((name) => this.form.elements[name].reportValidity())) return;
    this.line.textContent = "";
    if (!(await this.run()) && this.waits) this.wait();
  }

  /** Offers passkeys among the suggestions of the address field, quietly, as long as the page is open. */
  async wait() {
    this.waits = true;
    await this.run("conditional");
  }

  /** One ceremony; it ends the one before. Whether the page is left or another call has taken over. */
  async run(mediation) {
    this.call?.abort();
    const call = (this.call = new AbortController());
    let late;
    try {
      const { publicKey, state } = await this.ask(call.signal);
      if (mediation) late = setTimeout(() => this.call === call && this.wait(), CHALLENGE_LIFE);
      const options = { publicKey: readOptions(publicKey), signal: call.signal };
      if (mediation) options.mediation = mediation;
      const credential = await navigator.credentials[this.makes ? "create" : "get"](options);
      if (this.call === call) this.send(credential, state);
      return true;
    } catch (error) {
      if (this.call !== call) return true;
      if (!mediation) this.tell(error);
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  async ask(signal) {
    const wish = { kind: this.kind, csrf: this.field("csrf") };
    if (this.kind === "sign-up") Object.assign(wish, { email: this.field("email"), name: this.field("name") });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(this.words.url, { method: "POST", headers, body: JSON.stringify(wish), signal });
    // the sign-in got too old meanwhile: the page knows what to do
    if (answer.status === 403 && this.kind === "enrol") location.reload();
    if (!answer.ok) throw new Error(`no options: ${answer.status}`);
    return answer.json();
  }

  send(credential, state) {
    const fields = { csrf: this.field("csrf"), with: "passkey", state, credential: writeCredential(credential) };
    for (const name of ["tx", "offer", ...(this.kind === "sign-up" ? ["email", "name", "invite"] : [])]) {
      if (this.field(name)) fields[name] = this.field(name);
    }
    sendForm(this.form.action, fields);
  }

  tell(error) {
    const { quiet, known, failed } = this.words;
    this.line.textContent = error.name === "InvalidStateError" ? known : QUIET.includes(error.name) ? quiet : failed;
  }
}

/** Tells the server that this browser can make passkeys, so that it may offer one after the sign-in. */
async function sayThatItCan(form) {
  if (!(await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable?.())) return;
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name: "passkeys", value: "1" });
  form.prepend(input);
}

async function addPasskeys(place) {
  // a way in that a passkey would make easier, on a page that takes none
  if (place.dataset.passkey === "offer") return sayThatItCan(place.closest("form")).catch(() => {});
  const passkeys = new Passkeys(place);
  document.querySelectorAll("[data-passkey-without]").forEach((element) => { element.hidden = true; });
  const { unknown, rp } = place.dataset;
  if (unknown) PublicKeyCredential.signalUnknownCredential?.({ rpId: rp, credentialId: unknown })?.catch(() => {});
  if (passkeys.kind === "sign-in" || passkeys.kind === "sign-up") sayThatItCan(passkeys.form).catch(() => {});
  const quietly = passkeys.kind === "sign-in" && (await PublicKeyCredential.isConditionalMediationAvailable?.());
  // not when the button was pressed meanwhile: it would take over from that call
  if (quietly && !passkeys.call) await passkeys.wait();
}

if (canPasskeys) document.querySelectorAll("[data-passkey]").forEach(addPasskeys);

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    setTimeout(() => event.submitter?.setAttribute("aria-busy", "true"), 400);
  });
}
// a page that comes back from the browser's cache is not busy any more
addEventListener("pageshow", () => {
  document.querySelectorAll("[aria-busy]").forEach((element) => element.removeAttribute("aria-busy"));
});
