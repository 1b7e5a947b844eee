//! `/healthz`, `/readyz`, `/metrics`

use crate::support::*;

for_each_database! {
    fn alive_and_ready(database) {
        let app = TestApp::spawn(database);
        assert_eq!(app.show(&app.get("/healthz")), "200\ncontent-type: text/plain\n\nok\n");
        assert_eq!(app.show(&app.get("/readyz")), "200\ncontent-type: text/plain\n\nready\n");
        let head = app.send(&Request::new("HEAD", "/healthz"));
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }

    fn counters_are_off_unless_asked_for(database) {
        let app = TestApp::spawn(database);
        assert_eq!(app.get("/metrics").status, 404);
    }

    fn counters_can_be_beside_everything_else(database) {
        let app = Setup::new(database).set("observability.metrics", "main").spawn();
        let response = app.get("/metrics");
        assert_eq!((response.status, response.header("content-type")), (200, Some("text/plain; version=0.0.4")));
        for line in response.body.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("name and value");
            assert!(name.starts_with("gatepost_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }

    fn counters_can_have_a_listener_of_their_own(database) {
        let port = app::find_port();
        let own = Setup::new(database)
            .set("observability.metrics", "own")
            .set("observability.metrics_listen", format!("127.0.0.1:{port}"))
            .spawn();
        assert_eq!(own.get("/metrics").status, 404);
        assert_eq!(Request::get("/metrics").send(port).status, 200);
    }

    fn after_sigterm_the_process_ends_in_order(database) {
        let mut app = TestApp::spawn(database);
        assert_eq!(app.node.stop(), Some(0));
    }
}
