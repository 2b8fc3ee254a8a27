//! What the active sessions do, for the bar and the chart.

use std::time::Duration;

use super::sessions;
use crate::model::observe::name;
use crate::model::series::Fold;
use crate::model::waits::WaitClass;
use crate::ui::spark::{self, Layer, Segment};
use crate::world::World;

/// Buckets of the wait profile: enough for a wide screen, divisible for narrower ones.
const PROFILE: usize = 480;

/// What the active sessions do: now as a bar, over time as a chart.
#[derive(Debug, Default)]
pub struct Profile {
    /// The means of the last minute, the lowest class of the stack first.
    pub means: Vec<(WaitClass, f64)>,
    /// The same for the bar; what is nobody is zero.
    pub segments: Vec<Segment>,
    /// Somebody was active; `None` if that is not known.
    pub busy: Option<bool>,
    /// The classes over time.
    pub layers: Vec<Layer>,
    /// What the chart's full height stands for.
    pub top: f64,
}

impl Profile {
    /// As it is now.
    pub fn of(world: &World, window: Duration) -> Self {
        let means = sessions::by_class(world);
        let active = world.series.mean(name::ACTIVE, world.now, sessions::AVERAGE);
        let known = world.series.last(name::ACTIVE).and(active);
        let layers = WaitClass::ALL.map(|class| Layer {
            role: sessions::role(class),
            points: world
                .series
                .window(class.series(), Fold::Mean, world.now, window, PROFILE),
        });
        let total = world
            .series
            .window(name::ACTIVE, Fold::Mean, world.now, window, PROFILE);
        Self {
            segments: means
                .iter()
                .map(|(class, mean)| Segment {
                    value: if *mean < sessions::SOMEBODY { 0.0 } else { *mean },
                    role: sessions::role(*class),
                })
                .collect(),
            means,
            busy: known.map(|active| active >= sessions::SOMEBODY),
            layers: layers.into(),
            top: spark::nice(total.into_iter().flatten().fold(1.0, f64::max)),
        }
    }
}
