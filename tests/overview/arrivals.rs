//! New sessions, counted on every version by who is there now and was not before.

use pgmon_tui::model::observe::name;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::pulse::PulseProbe;
use rstest::rstest;

use crate::{Eye, cluster};

#[rstest]
#[tokio::test]
async fn who_came_between_two_samples_is_counted(#[values(12, 18)] major: u32, #[values("mon", "app")] role: &str) {
    let cluster = cluster(major, &[]).await;
    let mut stay = vec![cluster.client().await.unwrap(), cluster.client().await.unwrap()];
    let mut eye = Eye::open(&cluster, role, "postgres").await;
    eye.ask::<PulseProbe>().await;
    eye.ask::<Activity>().await;
    assert_eq!(
        eye.series.last(name::SESSIONS_SEEN),
        None,
        "one sample tells of no arrival"
    );
    for _ in 0..7 {
        stay.push(cluster.client().await.unwrap());
    }
    eye.ask::<Activity>().await;
    let came = |eye: &Eye| {
        let (rate, seconds) = (
            eye.series.last(name::SESSIONS_SEEN),
            eye.series.last_span(name::SESSIONS_SEEN),
        );
        rate.unwrap() * seconds.unwrap()
    };
    assert!((came(&eye) - 7.0).abs() < 1e-6, "{}", came(&eye));
    eye.ask::<Activity>().await;
    assert!(came(&eye).abs() < 1e-6, "nobody came");
    assert_eq!(stay.len(), 9);
}
