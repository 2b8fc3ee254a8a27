use super::*;
use crate::pane::testing::{answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::activity::Backend as Row;
use crate::probe::backend::Encryption;
use crate::probe::backend_locks::Lock;
use crate::probe::locks::{Names, Tag};

const SUBJECT: Subject = Subject::Backend { pid: 812, start: 1 };

fn detail() -> Detail {
    Detail {
        pid: 812,
        datname: Some("app".to_owned()),
        usename: Some("alice".to_owned()),
        application_name: Some("checkout-api".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        client_port: Some(51_234),
        backend_type: Some("client backend".to_owned()),
        state: Some("active".to_owned()),
        wait_event_type: Some("Lock".to_owned()),
        wait_event: Some("relation".to_owned()),
        backend_start: Some(1_763_640_000.0),
        backend_s: Some(5530.0),
        xact_s: Some(252.5),
        query_s: Some(252.0),
        state_s: Some(252.0),
        now: 1_763_645_530.0,
        xid: Some("4711".to_owned()),
        xid_age: Some(12),
        xmin: Some("4700".to_owned()),
        xmin_age: Some(1_200_023),
        blocked_by: vec![0, 700],
        query: Some("alter table orders\n  add column note text,\n\tadd column \u{1b}[31mx int\r\n".to_owned()),
        encryption: Some(Encryption::Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            client_dn: Some("CN=alice".to_owned()),
        }),
        ..Detail::default()
    }
}

fn locks() -> Locks {
    let lock = |granted, mode: &str, strength, relation: Option<&str>, database: &str| Lock {
        granted,
        mode: mode.to_owned(),
        strength,
        tag: Tag {
            locktype: "relation".to_owned(),
            relation: Some(16_384),
            ..Tag::default()
        },
        names: Names {
            database: Some(database.to_owned()),
            relation: relation.map(str::to_owned),
            ..Names::default()
        },
        wait_s: (!granted).then_some(252.0),
    };
    Locks {
        locks: vec![
            lock(false, "AccessExclusiveLock", 8, Some("public.orders"), "app"),
            lock(true, "ShareRowExclusiveLock", 6, Some("public.customers"), "app"),
            lock(true, "AccessShareLock", 1, None, "other"),
        ],
        all: 1204,
        awaited: 1,
    }
}

fn blocker() -> Row {
    Row {
        pid: 700,
        start: 7,
        state: Some("idle in transaction".to_owned()),
        backend_type: Some("client backend".to_owned()),
        xact_s: Some(1871.0),
        usename: Some("bob".to_owned()),
        ..Row::default()
    }
}

#[test]
fn show() {
    let progress = Progress {
        command: Some("CREATE INDEX".to_owned()),
        phase: Some("building index: scanning table".to_owned()),
        done: Some(265),
        total: Some(896),
        unit: Some("blocks".to_owned()),
        relation: Some("orders".to_owned()),
        ..Progress::default()
    };
    let world = world(&[
        answer::<Activity>(vec![blocker()], None),
        answer::<Probe>(Some(detail()), Some(SUBJECT)),
        answer::<BackendLocks>(locks(), Some(SUBJECT)),
        answer::<BackendProgress>(vec![progress], Some(SUBJECT)),
    ]);
    let mut page = Backend::new(SUBJECT);
    println!("{}", screen(&mut page, &world, 80, 24));
    println!("{}", screen(&mut page, &world, 40, 12));
    println!("{}", screen(&mut page, &world, 120, 30));
    let _ = (failure::<Probe>(Fault::new(FaultKind::Denied, "no"), None),);
}
