//! The table on small screens, drawn as text.

use proptest::prelude::*;
use ratatui::buffer::Buffer;

use super::*;
use crate::ui::look::{Look, Role};

#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    pid: i64,
    name: &'static str,
    age: Option<f64>,
    query: String,
    depth: u16,
    prefix: &'static str,
    whole: Option<&'static str>,
    mark: Option<Role>,
}

impl Record for Row {
    type Id = i64;

    fn id(&self) -> i64 {
        self.pid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn depth(&self) -> u16 {
        self.depth
    }

    fn prefix(&self) -> &str {
        self.prefix
    }

    fn whole(&self) -> Option<Cell<'_>> {
        self.whole.map(Cell::text)
    }

    fn selectable(&self) -> bool {
        self.whole.is_none()
    }

    fn mark(&self) -> Option<Role> {
        self.mark
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "pid",
        title: "PID",
        help: "",
        width: Width::Fit(3, 8),
        align: Align::Left,
        cell: |row| Cell::text(row.pid.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "small numbers of a test")]
        key: |row| Key::Number(row.pid as f64),
    },
    Column {
        id: "name",
        title: "NAME",
        help: "",
        width: Width::Fit(4, 6),
        align: Align::Left,
        cell: |row| Cell::text(row.name),
        key: |row| Key::Text(row.name.into()),
    },
    Column {
        id: "age",
        title: "AGE",
        help: "",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.age
                .map_or(Cell::empty(), |age| Cell::text(crate::ui::format::duration(age)))
        },
        key: |row| row.age.map_or(Key::None, Key::Number),
    },
    Column {
        id: "query",
        title: "QUERY",
        help: "",
        width: Width::Rest(8),
        align: Align::Left,
        cell: |row| Cell::text(row.query.as_str()),
        key: |row| Key::Text(row.query.as_str().into()),
    },
];

fn row(pid: i64, name: &'static str, age: Option<f64>, query: &str) -> Row {
    Row {
        pid,
        name,
        age,
        query: query.to_owned(),
        ..Row::default()
    }
}

fn look() -> Look {
    Look::default()
}

fn screen(table: &mut Table<Row>, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    table.arrange(area);
    let mut buf = Buffer::empty(area);
    table.draw(&look(), area, &mut buf, Options::default());
    lines(&buf)
}

/// The lines of a buffer without the cells that wide characters cover.
fn lines(buf: &Buffer) -> Vec<String> {
    let mut lines = Vec::new();
    for y in buf.area.rows() {
        let (mut line, mut x) = (String::new(), y.left());
        while x < y.right() {
            let symbol = buf[(x, y.y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(crate::ui::text::width(symbol)).unwrap().max(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn sample() -> Table<Row> {
    let mut table = Table::new(("age", Order::Descending));
    table.set_rows(vec![
        row(7, "b", Some(4.2), "select  1"),
        row(812, "日本語テキスト", None, "alter\ntable"),
        row(33, "a\x1bc", Some(252.0), "insert into t values (1), (2), (3)"),
    ]);
    table
}

#[test]
fn rows_are_sorted_aligned_and_safe() {
    assert_eq!(
        screen(&mut sample(), 40, 5),
        [
            "  PID  NAME     AGE↓ QUERY",
            "  33   a␛c    4m12s  insert into t valu…",
            "  7    b       4.2s  select 1",
            "  812  日本…         alter table",
            "",
        ]
    );
}

#[test]
fn the_last_column_stays_and_the_middle_ones_scroll() {
    let mut table = sample();
    assert_eq!(
        screen(&mut table, 24, 3),
        [
            "  PID NAME  QUERY      →",
            "  33  a␛c   insert into…",
            "  7   b     select 1"
        ]
    );
    assert!(table.on(Action::Right));
    assert_eq!(
        screen(&mut table, 24, 3),
        ["← PID   AGE↓QUERY", "  33  4m12s insert into…", "  7    4.2s select 1"]
    );
    table.on(Action::Right);
    let widest = screen(&mut table, 24, 3);
    table.on(Action::Left);
    table.on(Action::Left);
    assert_eq!(screen(&mut table, 24, 3)[0], "  PID NAME  QUERY      →");
    assert_eq!(widest[0], "← PID   AGE↓QUERY");
}

#[test]
fn selection_follows_identity() {
    let mut table = sample();
    screen(&mut table, 40, 5);
    table.on(Action::Down);
    assert_eq!(table.selected().map(|row| row.pid), Some(7));
    table.set_rows(vec![row(7, "b", Some(999.0), ""), row(8, "c", Some(1.0), "")]);
    assert_eq!(table.selected().map(|row| row.pid), Some(7));
    table.on(Action::Last);
    assert_eq!(table.selected().map(|row| row.pid), Some(8));
    table.set_rows(vec![row(7, "b", Some(999.0), ""), row(9, "c", Some(1.0), "")]);
    assert_eq!(table.selected().map(|row| row.pid), Some(9), "near its former place");
    table.set_rows(vec![]);
    assert_eq!(table.selected(), None);
    table.set_rows(vec![row(1, "x", Some(5000.0), ""), row(9, "c", Some(1.0), "")]);
    assert_eq!(
        table.selected().map(|row| row.pid),
        Some(9),
        "remembered while there was nothing"
    );
    table.select(1);
    assert_eq!(table.selected().map(|row| row.pid), Some(1));
}

#[test]
fn sorting_by_any_column() {
    let mut table = sample();
    let pids = |table: &Table<Row>| table.shown().map(|row| row.pid).collect::<Vec<_>>();
    assert_eq!(pids(&table), [33, 7, 812], "no value comes last");
    table.on(Action::Reverse);
    assert_eq!(pids(&table), [7, 33, 812], "in either direction");
    table.on(Action::SortPrev);
    assert_eq!(table.sort(), Some(("name", Order::Ascending)));
    assert_eq!(pids(&table), [33, 7, 812]);
    table.on(Action::SortPrev);
    table.on(Action::SortPrev);
    assert_eq!(table.sort(), Some(("pid", Order::Ascending)));
    table.on(Action::SortNext);
    table.on(Action::SortNext);
    assert_eq!(table.sort(), Some(("age", Order::Descending)));
    assert!(!table.on(Action::Quit));
}

fn tree() -> Vec<Row> {
    let at = |row: Row, depth, prefix| Row { depth, prefix, ..row };
    vec![
        Row {
            mark: Some(Role::Critical),
            ..row(700, "idle", Some(5.0), "")
        },
        Row {
            pid: 700,
            depth: 1,
            prefix: "  ",
            whole: Some("app checkout-api last: select 1"),
            ..Row::default()
        },
        at(row(812, "alter", Some(4.0), ""), 1, "└ "),
        at(row(901, "x", Some(9.0), ""), 2, "  ├ "),
        row(5, "other", Some(7.0), ""),
    ]
}

#[test]
fn trees_keep_their_order_and_their_lines() {
    let mut table = Table::unsorted();
    table.set_rows(tree());
    assert_eq!(
        screen(&mut table, 36, 7),
        [
            "  PID      NAME     AGE  QUERY",
            "✖ 700      idle    5.0s",
            "    app checkout-api last: select 1",
            "  └ 812    alter   4.0s",
            "    ├ 901  x       9.0s",
            "  5        other   7.0s",
            "",
        ]
    );
    table.on(Action::Down);
    assert_eq!(table.selected().map(|row| row.pid), Some(812), "a line is no row");
    table.on(Action::Up);
    assert_eq!(table.selected().map(|row| row.pid), Some(700));
    assert_eq!(table.shown_of(), (4, 4));
}

#[test]
fn groups_are_sorted_and_filtered_as_one() {
    let mut table = Table::new(("age", Order::Descending));
    table.set_rows(tree());
    let pids = |table: &Table<Row>| table.shown().map(|row| row.pid).collect::<Vec<_>>();
    assert_eq!(pids(&table), [5, 700, 700, 812, 901]);
    table.set_filter(Filter::parse("pid:901", &Table::<Row>::column_ids()).unwrap());
    assert_eq!(pids(&table), [700, 700, 812, 901], "what it hangs on stays");
    table.set_filter(Filter::parse("idle", &Table::<Row>::column_ids()).unwrap());
    assert_eq!(pids(&table), [700, 700]);
    assert_eq!(table.shown_of(), (1, 4));
}

#[test]
fn the_cursor_stays_on_the_screen() {
    let mut table = Table::new(("pid", Order::Ascending));
    table.set_rows((1..=100).map(|pid| row(pid, "x", None, "")).collect());
    screen(&mut table, 40, 11);
    assert_eq!(table.position(), Some((1, 10, 100)));
    table.on(Action::PageDown);
    table.on(Action::PageDown);
    screen(&mut table, 40, 11);
    assert_eq!(table.position(), Some((10, 19, 100)));
    table.on(Action::Last);
    assert_eq!(screen(&mut table, 40, 11)[10], "  100  x");
    assert_eq!(table.position(), Some((91, 100, 100)));
    table.on(Action::PageUp);
    table.set_rows((1..=5).map(|pid| row(pid, "x", None, "")).collect());
    screen(&mut table, 40, 11);
    assert_eq!(table.position(), Some((1, 5, 5)));
    assert_eq!(table.selected().map(|row| row.pid), Some(5));
}

#[test]
fn copies_are_raw() {
    let table = sample();
    assert_eq!(
        table.copies()[0],
        (
            "row".to_owned(),
            "33\ta\x1bc\t4m12s\tinsert into t values (1), (2), (3)".to_owned()
        )
    );
    assert_eq!(table.copies()[2], ("name".to_owned(), "a\x1bc".to_owned()));
}

#[test]
fn stale_rows_look_stale_and_the_selection_is_seen_without_colour() {
    use ratatui::style::{Modifier, Style};
    let mut table = sample();
    let area = Rect::new(0, 0, 40, 4);
    table.arrange(area);
    let mut look = look();
    look.theme
        .styles
        .insert(Role::Stale, Style::new().add_modifier(Modifier::DIM));
    look.theme
        .styles
        .insert(Role::Selected, Style::new().add_modifier(Modifier::REVERSED));
    let mut buf = Buffer::empty(area);
    table.draw(
        &look,
        area,
        &mut buf,
        Options {
            stale: true,
            unfocused: false,
        },
    );
    assert!(buf[(2, 2)].modifier.contains(Modifier::DIM));
    assert!(buf[(39, 1)].modifier.contains(Modifier::REVERSED));
    assert!(!buf[(2, 2)].modifier.contains(Modifier::REVERSED));
}

/// A row that counts how often its cells are asked for.
struct Counted(i64);

thread_local! {
    static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Record for Counted {
    type Id = i64;

    fn id(&self) -> i64 {
        self.0
    }

    fn columns() -> &'static [Column<Self>] {
        &[Column {
            id: "id",
            title: "ID",
            help: "",
            width: Width::Fit(4, 8),
            align: Align::Right,
            cell: |row| {
                ASKED.set(ASKED.get() + 1);
                Cell::text(row.0.to_string())
            },
            key: |_| Key::None,
        }]
    }
}

#[test]
fn drawing_asks_only_the_rows_on_the_screen() {
    let mut table = Table::new(("id", Order::Ascending));
    table.set_rows((0..10_000).map(Counted).collect());
    let area = Rect::new(0, 0, 20, 25);
    table.on(Action::Last);
    ASKED.set(0);
    table.arrange(area);
    assert_eq!(ASKED.get(), 0, "sharing out the room measures nothing");
    let mut buf = Buffer::empty(area);
    table.draw(&look(), area, &mut buf, Options::default());
    assert_eq!(ASKED.get(), 24);
    assert_eq!(lines(&buf)[24], " 9999");
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        Action::Up,
        Action::Down,
        Action::PageUp,
        Action::PageDown,
        Action::First,
        Action::Last,
        Action::Left,
        Action::Right,
        Action::SortPrev,
        Action::SortNext,
        Action::Reverse,
    ])
}

fn any_row() -> impl Strategy<Value = Row> {
    (
        0i64..40,
        0u16..3,
        any::<bool>(),
        prop::option::of(any::<f64>()),
        ".{0,12}",
    )
        .prop_map(|(pid, depth, line, age, query)| Row {
            depth,
            whole: (line && depth > 0).then_some("a line"),
            ..row(pid, "name", age, &query)
        })
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_selection_on_the_screen(
        steps in prop::collection::vec((prop::collection::vec(action(), 0..6), prop::collection::vec(any_row(), 0..30), 0u16..90, 0u16..12), 1..8),
    ) {
        let mut table = sample();
        for (actions, rows, width, height) in steps {
            table.set_rows(rows);
            for action in actions {
                table.on(action);
            }
            let lines = screen(&mut table, width, height);
            prop_assert_eq!(lines.len(), usize::from(height));
            prop_assert!(table.scrolled < COLUMNS.len());
            if let Some(row) = table.selected() {
                prop_assert_eq!(Some(row.id()), table.selected);
                if height > 1 {
                    prop_assert!((table.top..table.top + table.page).contains(&table.cursor));
                }
            } else {
                prop_assert!(!table.shown().any(Record::selectable));
            }
            prop_assert_eq!(table.shown.len(), table.rows.len());
        }
    }
}

/// A list that nobody has touched shows its top, whatever moves there; a chosen row is followed.
#[test]
fn an_untouched_list_stays_at_its_top() {
    let rows = |first: f64| -> Vec<Row> {
        let aged = |pid: i32| Row {
            pid: i64::from(pid),
            age: Some(if pid == 30 { first } else { f64::from(pid) }),
            ..Row::default()
        };
        (1..=30).map(aged).collect()
    };
    let mut table = Table::<Row>::new(("age", Order::Descending));
    table.set_rows(rows(100.0));
    table.arrange(Rect::new(0, 0, 40, 6));
    assert_eq!(table.selected().map(|row| row.pid), Some(30));
    table.set_rows(rows(0.0));
    table.arrange(Rect::new(0, 0, 40, 6));
    assert_eq!(table.position().map(|(from, ..)| from), Some(1));
    assert_eq!(table.selected().map(|row| row.pid), Some(29));
    table.on(Action::Down);
    assert_eq!(table.selected().map(|row| row.pid), Some(28));
    table.set_rows(rows(28.5));
    assert_eq!(table.selected().map(|row| row.pid), Some(28), "chosen");
}

/// Panels that are out of sight get new rows and no room.
#[test]
fn a_position_is_among_the_rows_before_room_is_shared_out_again() {
    let rows = |count: i64| (1..=count).map(|pid| Row { pid, ..Row::default() }).collect();
    let mut table = Table::<Row>::new(("pid", Order::Ascending));
    table.set_rows(rows(100));
    table.arrange(Rect::new(0, 0, 40, 11));
    table.on(Action::Last);
    table.arrange(Rect::new(0, 0, 40, 11));
    assert_eq!(table.position(), Some((91, 100, 100)));
    table.set_rows(rows(3));
    assert_eq!(table.position(), Some((3, 3, 3)));
    table.set_rows(Vec::new());
    assert_eq!(table.position(), None);
}
