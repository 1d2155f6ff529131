//! The pages in a real browser.

mod browser;
mod daemon;

use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::status::State;
use perfuse_service::now::Daemon;
use perfuse_service::web::{self, Options};
use perfuse_testkit::{gate, need};
use tokio::net::TcpListener;
use tokio::sync::watch;

use browser::Browser;
use daemon::Made;

/// A server with a made-up daemon, on a free port of this host.
struct Server {
    address: String,
    made: Arc<Made>,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let made = Made::new();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let options = Options {
            loopback: true,
            hosts: Vec::new(),
            local: Some(perfuse_service::config::Secret::new("token-of-this-host")),
            password: None,
            token: None,
            tls: false,
            lang: perfuse_render::Lang::En,
            time_offset: 540,
        };
        let (stop, stopping) = watch::channel(false);
        let router = web::router(Arc::clone(&made) as Arc<dyn Daemon>, options);
        runtime.spawn(web::serve(listener, router, None, stopping));
        Self { address, made, stop, runtime }
    }

    fn end(self) {
        self.stop.send_replace(true);
        self.runtime.shutdown_timeout(Duration::from_secs(5));
    }
}

/// The story of a day: all is well, somebody switches the language, the database degrades while the page is open, and
/// the operator follows the incident. `PERFUSE_SHOTS` names a directory for pictures of every page.
#[test]
fn a_browser_shows_the_pages_live_and_without_errors() {
    need!(gate::command("chromium"));
    let server = Server::start();
    let mut browser = Browser::start();
    public_page(&server, &mut browser);
    dashboard(&server, &mut browser);
    incident(&server, &mut browser);
    maintenance(&server, &mut browser);
    shots(&server, &mut browser);
    let errors = browser.errors();
    assert!(errors.is_empty(), "{errors:#?}");
    drop(browser);
    server.end();
}

fn public_page(server: &Server, browser: &mut Browser) {
    browser.go(&server.address);
    browser.until("document.querySelector('#banner').textContent.includes('All systems operational')");
    browser.until("document.querySelectorAll('.component .bars rect').length === 90 * document.querySelectorAll('.component').length");
    browser.run("document.querySelector('.langs a[lang=ko]').click()");
    browser.until("document.documentElement.lang === 'ko' && document.querySelector('#banner').textContent.includes('모든 시스템이 정상입니다')");
    browser.run("document.querySelector('.langs a[lang=en]').click()");
    browser.until("document.documentElement.lang === 'en'");
    // Another page would not know of this.
    browser.run("window.same = true");
    server.made.state("database", State::Degraded);
    browser.until("document.querySelector('#c-database .pill').textContent.includes('Degraded')");
    browser.until("document.querySelector('#banner').classList.contains('s-degraded')");
    assert_eq!(browser.run("window.same === true"), serde_json::json!(true), "it was the same page all the time");
    browser.run("document.querySelector('#c-database .bars svg').focus()");
    browser.key("ArrowLeft");
    browser.until("document.querySelector('.tip') && document.querySelector('.tip').textContent.includes('uptime')");
}

fn dashboard(server: &Server, browser: &mut Browser) {
    browser.go(&format!("{}/dash", server.address));
    browser.until("document.querySelector('#c-database').open");
    browser.until("document.querySelectorAll('table.use a.cell').length === 42");
    browser.run("document.querySelector('.charts').scrollIntoView()");
    let drawn = "Array.from(document.querySelectorAll('figure.chart path.trace')).filter((path) => path.getTotalLength() > 50).length";
    browser.until(&format!("{drawn} >= 3"));
    let before = browser.run("document.querySelector('figure.chart path.trace').getAttribute('d').length");
    browser.until(&format!("document.querySelector('figure.chart path.trace').getAttribute('d').length !== {before}"));
    browser.run("document.querySelector('[data-range=\"900\"]').click()");
    browser.drag("figure.chart .plot svg", 0.4, 0.8);
    browser.until("!document.querySelector('#unzoom').hidden");
    browser.until(&format!("{drawn} >= 3"));
    browser.run("document.querySelector('#unzoom').click()");
    browser.until("document.querySelector('#unzoom').hidden");
}

fn incident(server: &Server, browser: &mut Browser) {
    browser.go(&format!("{}/dash", server.address));
    browser.run("window.same = true");
    let id = server.made.incident("database");
    browser.until(&format!("document.querySelector('#open a[href=\"/incident/{id}\"]')"));
    assert_eq!(browser.run("window.same === true"), serde_json::json!(true));
    browser.run("document.querySelector('#open a').click()");
    browser.until("document.querySelector('.finding .chain') && document.querySelector('.finding pre')");
    browser.until("document.querySelectorAll('iframe.flame').length === 2");
    // It ends, and a minute later there is how things were before, during and after it: nobody has to load the page again.
    let compared = "document.body.textContent.includes('Before, during and after')";
    server.made.end("database");
    browser.until(&format!(
        "document.querySelector('main') && !{compared} && !document.body.textContent.includes('under way')"
    ));
    server.made.compare("database");
    browser.until(compared);
    browser.go(&format!("{}/incident/{id}/flame/off-cpu", server.address));
    browser.until("document.querySelectorAll('#bars g.on').length > 3");
    browser.go(&format!("{}/dash/checklist#cpu.saturation", server.address));
    browser.until("document.getElementById('cpu.saturation').open");
}

fn maintenance(server: &Server, browser: &mut Browser) {
    browser.go(&format!("{}/dash/maintenance", server.address));
    browser.run("document.querySelector('a.button[href^=\"/login\"]').click()");
    browser.until("document.querySelector('input[name=password]')");
    browser.run(
        "document.querySelector('input[name=password]').value = 'token-of-this-host'; document.querySelector('main form').requestSubmit()",
    );
    browser.until("document.querySelector('input[name=component][value=database]')");
    browser.run(
        "document.querySelector('input[value=database]').checked = true; document.querySelector('input[name=reason]').value = 'New disks'; document.querySelector('form.card').requestSubmit()",
    );
    browser.until("document.querySelector('.s-maintenance') && document.querySelector('.s-maintenance').textContent.includes('New disks')");
}

/// Pictures for people: every page, small and large, light and dark, in both languages.
fn shots(server: &Server, browser: &mut Browser) {
    let Some(directory) = std::env::var_os("PERFUSE_SHOTS") else { return };
    let id = server.made.incident("database");
    let pages = [
        ("status", "/".to_owned()),
        ("history", "/history".to_owned()),
        ("dash", "/dash".to_owned()),
        ("charts", "/dash/charts".to_owned()),
        ("checklist", "/dash/checklist".to_owned()),
        ("incidents", "/dash/incidents".to_owned()),
        ("incident", format!("/incident/{id}")),
        ("maintenance", "/dash/maintenance".to_owned()),
        ("login", "/login".to_owned()),
    ];
    for (name, path) in &pages {
        for (lang, dark, width) in [("en", false, 1280), ("ko", true, 1280), ("ko", false, 390), ("en", true, 390)] {
            browser.look(width, dark);
            browser.go(&format!("{}{path}?lang={lang}", server.address));
            let kind = if dark { "dark" } else { "light" };
            let file = format!("{name}-{lang}-{kind}-{width}.png");
            browser.shot(width, &std::path::Path::new(&directory).join(file));
        }
    }
}
