// Adds what needs a script: "Show" beside passwords, "Copy" beside commands, a busy sign on slow posts.
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

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    setTimeout(() => event.submitter?.setAttribute("aria-busy", "true"), 400);
  });
}
// a page that comes back from the browser's cache is not busy any more
addEventListener("pageshow", () => {
  document.querySelectorAll("[aria-busy]").forEach((element) => element.removeAttribute("aria-busy"));
});
