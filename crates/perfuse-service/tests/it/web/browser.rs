//! Chromium without a window, told what to do through its pipe (`--remote-debugging-pipe`: JSON, each message with a zero byte
//! at its end; file descriptor 3 in, 4 out).

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(40);

/// A browser with one page.
pub(super) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    number: u64,
    session: Option<String>,
    errors: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it with an empty profile.
    pub(super) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1", "sh"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--lang=en",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while reader.read_until(0, &mut bytes).is_ok_and(|length| length > 0) {
                bytes.pop();
                let Ok(message) = serde_json::from_slice(&bytes) else { break };
                if sender.send(message).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        let mut browser = Self { child, to, from, number: 0, session: None, errors: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            browser.call(domain, &json!({}));
        }
        browser.look(1280, false);
        browser
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// As [`Self::call`], with the browser's error.
    fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(message.to_string().as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            match self.from.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(answer) if answer["id"] == self.number => {
                    return answer
                        .get("error")
                        .map_or_else(|| Ok(answer["result"].clone()), |error| Err(error.clone()));
                }
                Ok(event) => self.note(&event),
                Err(RecvTimeoutError::Timeout) => panic!("{method}: no answer"),
                Err(RecvTimeoutError::Disconnected) => panic!("{method}: the browser is gone"),
            }
        }
    }

    /// Keeps what is an error of a page.
    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let is_error = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => params["type"] == "error",
            Some("Log.entryAdded") => params["entry"]["level"] == "error",
            _ => false,
        };
        if is_error {
            self.errors.push(params.to_string());
        }
    }

    /// Width of the window in pixels, and whether the pages are to be dark.
    pub(super) fn look(&mut self, width: u32, dark: bool) {
        let height = if width < 600 { 844 } else { 900 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Goes to an address and waits until the page is there.
    pub(super) fn go(&mut self, address: &str) {
        // Only another document counts as there.
        self.run("window.left = true");
        let gone = self.call("Page.navigate", &json!({ "url": address }));
        assert!(gone.get("errorText").is_none(), "{address}: {gone}");
        self.until("!window.left && document.readyState === 'complete'");
    }

    /// The value of an expression.
    pub(super) fn run(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(super) fn until(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        // Between two pages an expression may fail, and so may the question itself.
        let params = json!({ "expression": format!("(() => {{ try {{ return Boolean({expression}) }} catch (error) {{ return false }} }})()"), "returnByValue": true });
        while self.ask("Runtime.evaluate", &params).map_or(true, |answer| answer["result"]["value"] != true) {
            if Instant::now() > end {
                let text = self.run("document.body.innerText.slice(0, 1500)");
                panic!("never true: {expression}\nerrors: {:#?}\npage: {text}", self.errors);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses a key.
    pub(super) fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({ "type": kind, "key": key, "code": key }));
        }
    }

    /// Drags over an element, from one share of its width to another.
    pub(super) fn drag(&mut self, selector: &str, from: f64, to: f64) {
        self.run(&format!("document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})"));
        let place = format!(
            "(() => {{ const box = document.querySelector('{selector}').getBoundingClientRect(); return [box.left, box.top, box.width, box.height] }})()"
        );
        let place = self.run(&place);
        let number = |index: usize| place[index].as_f64().unwrap();
        let (left, top, width, height) = (number(0), number(1), number(2), number(3));
        let y = top + height / 2.0;
        for (kind, share, button) in [
            ("mouseMoved", from, "none"),
            ("mousePressed", from, "left"),
            ("mouseMoved", to, "left"),
            ("mouseReleased", to, "left"),
        ] {
            let buttons = u8::from(button == "left" && kind != "mouseReleased");
            let event = json!({ "type": kind, "x": left + width * share, "y": y, "button": button, "buttons": buttons, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event);
            if buttons == 1 {
                // All charts are drawn anew, which must not take it out of anybody's hand.
                self.run("window.dispatchEvent(new Event('resize'))");
                std::thread::sleep(Duration::from_millis(300));
            }
        }
    }

    /// A picture of the whole page, in a window that is high enough for it: what is drawn when it is seen is seen.
    pub(super) fn shot(&mut self, width: u32, file: &Path) {
        let height = self.run("document.documentElement.scrollHeight");
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        std::thread::sleep(Duration::from_millis(1500));
        let shot = self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// What went wrong on pages so far.
    pub(super) fn errors(&mut self) -> Vec<String> {
        // Whatever has happened comes before this answer.
        self.run("1");
        self.errors.clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let message = json!({ "id": 0, "method": "Browser.close" }).to_string() + "\0";
        let asked = self.to.write_all(message.as_bytes()).is_ok();
        let end = Instant::now() + Duration::from_secs(5);
        while asked && Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
