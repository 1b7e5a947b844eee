// A person with a browser that has cookies and forms, but neither script nor pictures.
import http from "node:http";

const MOST_STEPS = 12;

/** A loopback listener as a command-line program has it; `received` resolves to the address that the browser was sent to. */
export async function listen_loopback(registered) {
  let resolve;
  const received = new Promise((done) => { resolve = done; });
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end("You can close this page.");
    resolve(new URL(request.url, redirectUri));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const address = new URL(registered);
  address.port = String(server.address().port);
  const redirectUri = address.href;
  const close = () => { server.closeAllConnections(); server.close(); };
  return { redirectUri, received, close };
}

export class Person {
  #cookies = [];

  constructor(issuer, email, password) {
    this.issuer = new URL(issuer);
    this.email = email;
    this.password = password;
  }

  /**
   * Opens an authorization request, signs in if asked, answers consent with `decision`, and returns the address that the app gets.
   * A page that asks nothing and leads nowhere is an error that shows the page.
   */
  async answer(address, redirectUri, decision = "allow") {
    let page = await this.open(address);
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const target = page.headers.location ?? find_refresh(page.body);
      if (target !== undefined) {
        const next = new URL(target, page.address);
        if (next.href.startsWith(redirectUri)) return next;
        page = await this.open(next);
        continue;
      }
      page = await this.#answer_form(page, decision);
    }
    throw new Error(`no end after ${MOST_STEPS} pages, now at ${page.address}`);
  }

  /** GETs a page. */
  open(address) {
    return this.#send("GET", new URL(address));
  }

  async #answer_form(page, decision) {
    for (const form of find_forms(page)) {
      if (form.buttons.some((button) => button.name === "decision" && button.value === decision)) {
        return this.#send("POST", form.action, { ...form.fields, decision });
      }
      if ("password" in form.fields) {
        return this.#send("POST", form.action, { ...form.fields, email: this.email, password: this.password, with: "password" });
      }
    }
    throw new Error(`status ${page.status} at ${page.address} asks for nothing that a person can answer:\n${read_text(page.body)}`);
  }

  #send(method, address, fields) {
    const body = fields && new URLSearchParams(fields).toString();
    const headers = { accept: "text/html", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) interop" };
    const cookies = this.#cookies.filter((cookie) => address.hostname === cookie.host && in_path(address.pathname, cookie.path));
    if (cookies.length > 0) headers.cookie = cookies.map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
    if (body !== undefined) {
      headers["content-type"] = "application/x-www-form-urlencoded";
      headers["content-length"] = Buffer.byteLength(body);
      headers.origin = address.origin;
      headers["sec-fetch-site"] = "same-origin";
    }
    return new Promise((resolve, reject) => {
      const request = http.request(address, { method, headers }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          for (const line of response.headers["set-cookie"] ?? []) this.#keep_cookie(line, address);
          resolve({ address, status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString("utf8") });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  #keep_cookie(line, address) {
    const [pair, ...attributes] = line.split(";").map((part) => part.trim());
    const [name, value] = split_once(pair, "=");
    const found = Object.fromEntries(attributes.map((attribute) => {
      const [key, text] = split_once(attribute, "=");
      return [key.toLowerCase(), text];
    }));
    const path = found.path?.startsWith("/") ? found.path : "/";
    this.#cookies = this.#cookies.filter((cookie) => !(cookie.name === name && cookie.path === path && cookie.host === address.hostname));
    const gone = Number(found["max-age"] ?? 1) <= 0 || (found.expires !== undefined && Date.parse(found.expires) <= Date.now());
    if (!gone) this.#cookies.push({ name, value, path, host: address.hostname });
  }
}

function split_once(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function in_path(path, base) {
  return path === base || path.startsWith(base.endsWith("/") ? base : `${base}/`);
}

function find_refresh(body) {
  const meta = body.match(/<meta http-equiv="refresh" content="0;url=([^"]*)"/i);
  return meta ? decode_text(meta[1]) : undefined;
}

function find_forms(page) {
  return [...page.body.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, start, inner]) => {
    const action = new URL(read_attributes(start).action ?? "", page.address);
    const inputs = [...inner.matchAll(/<input\b([^>]*)>/gi)].map(([, text]) => read_attributes(text));
    const buttons = [...inner.matchAll(/<button\b([^>]*)>/gi)].map(([, text]) => read_attributes(text));
    const fields = Object.fromEntries(inputs.filter((input) => input.name).map((input) => [input.name, input.value ?? ""]));
    return { action, fields, buttons };
  });
}

function read_attributes(text) {
  return Object.fromEntries([...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name.toLowerCase(), decode_text(value ?? "")]));
}

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode_text(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(parseInt(decimal, 10));
    return NAMED[name] ?? whole;
  });
}

function read_text(body) {
  return decode_text(body.replace(/<(style|script|svg)[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ")).replace(/\s+/g, " ").trim().slice(0, 800);
}
