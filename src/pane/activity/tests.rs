use super::*;
use crate::pane::testing::{answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};

fn client(pid: i32, state: &str, xact_s: Option<f64>, query: &str) -> Backend {
    Backend {
        pid,
        start: i64::from(pid),
        state: Some(state.to_owned()),
        backend_type: Some("client backend".to_owned()),
        datname: Some("app".to_owned()),
        usename: Some("alice".to_owned()),
        application_name: Some("checkout-api".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        xact_s,
        query_s: xact_s,
        state_s: Some(4.0),
        query: Some(query.to_owned()),
        ..Backend::default()
    }
}

fn waits(class: &str, event: &str, backend: Backend) -> Backend {
    Backend {
        wait_event_type: Some(class.to_owned()),
        wait_event: Some(event.to_owned()),
        ..backend
    }
}

fn incident() -> Vec<Backend> {
    let worker = |pid| Backend {
        leader_pid: Some(905),
        backend_type: Some("parallel worker".to_owned()),
        ..client(pid, "active", Some(3.1), "select count(*) from orders")
    };
    vec![
        waits(
            "Client",
            "ClientRead",
            client(
                700,
                "idle in transaction",
                Some(1871.0),
                "select * from orders where id = 4711 for update",
            ),
        ),
        waits(
            "Lock",
            "relation",
            client(812, "active", Some(252.0), "alter table orders\n  add column note text"),
        ),
        waits(
            "Lock",
            "transactionid",
            client(
                901,
                "active",
                Some(251.0),
                "update orders set state = 'paid' where id = 4711",
            ),
        ),
        waits(
            "IO",
            "DataFileRead",
            client(902, "active", Some(0.8), "select \u{1b}[31mred\u{1b}[0m\r\n from t"),
        ),
        client(905, "active", Some(3.2), "select count(*) from orders"),
        worker(906),
        worker(907),
        waits("Client", "ClientRead", client(950, "idle", None, "commit")),
        Backend {
            pid: 960,
            hidden: true,
            datname: Some("app".to_owned()),
            usename: Some("bob".to_owned()),
            ..Backend::default()
        },
        Backend {
            pid: 33,
            backend_type: Some("checkpointer".to_owned()),
            query: Some(String::new()),
            ..Backend::default()
        },
    ]
}

#[test]
fn show() {
    let mut pane = Activity::default();
    let world = world(&[answer::<Probe>(incident(), None)]);
    println!("{}", screen(&mut pane, &world, 80, 14));
    println!("{}", screen(&mut pane, &world, 120, 14));
    let _ = FaultKind::Denied;
}
