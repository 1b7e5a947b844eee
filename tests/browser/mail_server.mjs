// A mail server: it speaks SMTP on a port of its own and keeps the letters that it is given.
import net from "node:net";

const LIMIT = 20_000;

export class MailServer {
  #letters = [];
  #waiting = [];
  #taken = new Set();

  static async start() {
    const mail = new MailServer();
    mail.server = net.createServer((socket) => mail.#serve(socket));
    await new Promise((resolve) => mail.server.listen(0, "127.0.0.1", resolve));
    return mail;
  }

  /** The settings of a server that sends its letters here. */
  get settings() {
    return `mail.smtp_url = "smtp://127.0.0.1:${this.server.address().port}"\nmail.from = "no-reply@example.com"\n`;
  }

  /** Every letter until now. */
  get letters() {
    return [...this.#letters];
  }

  /** The next letter to this address whose subject begins so, which nobody has asked for before; waits for it. */
  async letter(to, subject) {
    const began = Date.now();
    for (;;) {
      const found = this.#letters.find((letter) => letter.to === to && letter.subject.startsWith(subject) && !this.#taken.has(letter));
      if (found) {
        this.#taken.add(found);
        return found;
      }
      const left = LIMIT - (Date.now() - began);
      if (left <= 0) throw new Error(`no letter “${subject}” to ${to}; there are ${this.#letters.map((letter) => `“${letter.subject}” to ${letter.to}`).join(", ")}`);
      await new Promise((resolve) => {
        const late = setTimeout(resolve, left);
        this.#waiting.push(() => { clearTimeout(late); resolve(); });
      });
    }
  }

  #serve(socket) {
    let rest = "";
    let to = [];
    let reading = false;
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 test ESMTP");
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (text) => {
      rest += text;
      for (;;) {
        const end = reading ? rest.indexOf("\r\n.\r\n") : rest.indexOf("\r\n");
        if (end < 0) return;
        const line = rest.slice(0, end);
        rest = rest.slice(end + (reading ? 5 : 2));
        if (reading) {
          reading = false;
          this.#take(to, line);
          say("250 taken");
          continue;
        }
        const verb = line.split(/[ :]/)[0].toUpperCase();
        if (verb === "EHLO") say("250-test\r\n250 8BITMIME");
        else if (verb === "MAIL") { to = []; say("250 fine"); }
        else if (verb === "RCPT") { to.push(line.match(/<(.*)>/)[1]); say("250 fine"); }
        else if (verb === "DATA") { reading = true; say("354 go on"); }
        else if (verb === "QUIT") { say("221 bye"); socket.end(); }
        else say(["NOOP", "RSET"].includes(verb) ? "250 fine" : "502 what?");
      }
    });
  }

  #take(recipients, message) {
    // doubled dots undone (RFC 5321 §4.5.2)
    const letter = parse_letter(message.replace(/^\.\./gm, "."));
    for (const to of recipients) this.#letters.push({ to, ...letter });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  close() {
    this.server.close();
  }
}

function split_part(part) {
  const at = part.indexOf("\r\n\r\n");
  const headers = {};
  for (const line of part.slice(0, at).replace(/\r\n[ \t]/g, " ").split("\r\n")) {
    const [name, ...value] = line.split(":");
    headers[name.toLowerCase()] = value.join(":").trim();
  }
  return { headers, body: part.slice(at + 4) };
}

function decode_quoted(text) {
  return Buffer.from(text.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))), "latin1").toString();
}

function decode_body({ headers, body }) {
  const encoding = (headers["content-transfer-encoding"] ?? "7bit").toLowerCase();
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  if (encoding === "quoted-printable") return decode_quoted(body.replace(/=\r\n/g, ""));
  return body;
}

/** Encoded words of a header (RFC 2047). */
function decode_words(text) {
  return text
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, kind, word) => (kind.toLowerCase() === "b" ? Buffer.from(word, "base64").toString() : decode_quoted(word.replaceAll("_", " "))));
}

function parse_letter(message) {
  const { headers, body } = split_part(message);
  const boundary = headers["content-type"].match(/boundary="([^"]+)"/)[1];
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, -1).map((part) => split_part(part.replace(/^\r\n/, "")));
  const find = (kind) => decode_body(parts.find((part) => part.headers["content-type"].startsWith(kind))).replaceAll("\r\n", "\n");
  const [text, html] = [find("text/plain"), find("text/html")];
  return {
    headers,
    text,
    html,
    subject: decode_words(headers.subject),
    // the first address that stands alone on its line, and the eight digits
    link: text.match(/^http\S+$/m)?.[0],
    code: text.match(/\b(\d{4}) (\d{4})\b/)?.slice(1).join(""),
  };
}
