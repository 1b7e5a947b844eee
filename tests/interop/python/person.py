"""A person with a browser that has cookies and forms, but no script."""

import threading
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

MOST_STEPS = 12


class PageReader(HTMLParser):
    """Finds the forms of a page and where it refreshes to."""

    def __init__(self, body):
        super().__init__()
        self.forms = []
        self.refresh = None
        self.feed(body)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.forms.append({"action": found.get("action", ""), "fields": {}, "buttons": []})
        elif tag == "meta" and found.get("http-equiv", "").lower() == "refresh":
            self.refresh = found["content"].partition("url=")[2]
        elif self.forms and tag == "input" and found.get("name"):
            self.forms[-1]["fields"][found["name"]] = found.get("value") or ""
        elif self.forms and tag == "button":
            self.forms[-1]["buttons"].append((found.get("name"), found.get("value")))


class Person:
    """Signs in and answers consent."""

    def __init__(self, email, password):
        self.email = email
        self.password = password
        self.browser = httpx.Client(follow_redirects=False, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) interop", "Accept": "text/html"})

    def open(self, address):
        """GETs a page."""
        return self.browser.get(address)

    def answer(self, address, redirect_uri, decision="allow"):
        """Opens an authorization request, signs in if asked, answers consent, and returns the address that the app gets."""
        page = self.open(address)
        for _ in range(MOST_STEPS):
            reader = PageReader(page.text)
            target = page.headers.get("location") or reader.refresh
            if target:
                target = urljoin(str(page.url), target)
                if target.startswith(redirect_uri):
                    return target
                page = self.open(target)
            else:
                page = self._answer_form(page, reader, decision)
        raise AssertionError(f"no end after {MOST_STEPS} pages, now at {page.url}")

    def _answer_form(self, page, reader, decision):
        for form in reader.forms:
            fields = dict(form["fields"])
            if ("decision", decision) in form["buttons"]:
                fields["decision"] = decision
            elif "password" in fields:
                fields.update({"email": self.email, "password": self.password, "with": "password"})
            else:
                continue
            address = urljoin(str(page.url), form["action"])
            split = urlsplit(address)
            return self.browser.post(address, data=fields, headers={"Origin": f"{split.scheme}://{split.netloc}", "Sec-Fetch-Site": "same-origin"})
        raise AssertionError(f"status {page.status_code} at {page.url} asks for nothing that a person can answer: {page.text[:2000]}")


class Loopback:
    """The listener of a command-line program; `wait` gives the address that the browser was sent to."""

    def __init__(self, registered):
        self.target = None
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                loopback.target = self.path
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"You can close this page.")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        split = urlsplit(registered)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.redirect_uri = urlunsplit(("http", f"127.0.0.1:{self.server.server_port}", split.path, "", ""))
        self.thread = threading.Thread(target=self.server.handle_request, daemon=True)
        self.thread.start()

    def wait(self):
        """Waits for the browser."""
        self.thread.join(timeout=10)
        if self.target is None:
            raise AssertionError("the browser did not come back to the loopback listener")
        return self.origin + self.target

    def close(self):
        """Frees the port."""
        self.server.server_close()
