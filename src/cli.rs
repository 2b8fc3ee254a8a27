//! The command line, and nothing else: psql's letters, our own long options.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};

use crate::config;
use crate::pg::conninfo::Args;
use crate::pg::plan::Prompt;

/// What was typed. Without `Debug`: a connection string may have a password in it.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(
    name = "pgmon-tui",
    version,
    about = "What is wrong with a PostgreSQL server, live, in a terminal; it only reads",
    after_help = AFTER_HELP,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_override_self = true,
    override_usage = "pgmon-tui [COMMAND] [OPTIONS] [DBNAME | URI | \"key=value ...\"] [USERNAME]",
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands, instead of the screen",
    next_help_heading = "Other options"
)]
pub struct Cli {
    /// What to do instead of the screen.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Database, URI or "key=value ..."; then a user name
    #[arg(value_name = "DBNAME", help_heading = None)]
    words: Vec<String>,

    /// Host name, address or socket directory (a,b,c)
    #[arg(short, long, value_name = "HOSTNAME", help_heading = CONNECTION, global = true)]
    pub host: Option<String>,

    /// Port (one for all hosts, or one for each)
    #[arg(short, long, value_name = "PORT", help_heading = CONNECTION, global = true)]
    pub port: Option<String>,

    /// Role to connect as
    #[arg(short = 'U', long, value_name = "USERNAME", help_heading = CONNECTION, global = true)]
    pub username: Option<String>,

    /// Database name or connection string
    #[arg(short, long, value_name = "DBNAME", help_heading = CONNECTION, global = true)]
    pub dbname: Option<String>,

    /// Never ask for a password
    #[arg(short = 'w', long, conflicts_with = "password", help_heading = CONNECTION, global = true)]
    pub no_password: bool,

    /// Ask for a password before connecting
    #[arg(short = 'W', long, help_heading = CONNECTION, global = true)]
    pub password: bool,

    /// [cluster.NAME] of the configuration file
    #[arg(long, value_name = "NAME", help_heading = CONNECTION, global = true)]
    pub cluster: Option<String>,

    /// Exit when slots are full or the server starts
    #[arg(long, help_heading = CONNECTION)]
    pub no_wait: bool,

    /// Run as a role that can write, unasked
    #[arg(long, help_heading = CONNECTION, global = true)]
    pub allow_privileged_role: bool,

    /// Refresh interval, 0.5 to 60 (also: + and -)
    #[arg(long, value_name = "SECONDS", value_parser = hot_interval, help_heading = SCREEN)]
    pub interval: Option<Duration>,

    /// Colour theme (also: T)
    #[arg(long, value_name = "NAME", value_parser = theme, help_heading = SCREEN)]
    pub theme: Option<String>,

    /// Draw with ASCII characters only
    #[arg(long, help_heading = SCREEN, global = true)]
    pub ascii: bool,

    /// Configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Write every message that was shown to FILE
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// Print every statement it may send, and exit
    #[arg(long)]
    pub print_sql: bool,

    /// Show the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    pub version: Option<bool>,

    /// Show this help
    #[arg(short = '?', long, action = ArgAction::HelpShort, global = true)]
    pub help: Option<bool>,
}

/// What there is to do without the screen.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Say what works here, what does not, and how to mend it
    #[command(
        after_help = AFTER_CHECK,
        disable_help_flag = true,
        args_override_self = true,
        override_usage = "pgmon-tui check [OPTIONS] [DBNAME | URI | \"key=value ...\"] [USERNAME]",
        next_help_heading = "Output options"
    )]
    Check(Output),
    /// Say what is wrong now, as Nagios wants it (--once)
    #[command(
        after_help = AFTER_ALERTS,
        disable_help_flag = true,
        args_override_self = true,
        override_usage = "pgmon-tui alerts --once [OPTIONS] [DBNAME | URI | \"key=value\"] [USERNAME]",
        next_help_heading = "Output options"
    )]
    Alerts {
        /// Ask everything twice, print the verdicts, exit
        #[arg(long)]
        once: bool,

        /// Words and form of the output.
        #[command(flatten)]
        output: Output,
    },
}

/// What a command prints, and where it connects to.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct Output {
    /// Database, URI or "key=value ..."; then a user name
    #[arg(value_name = "DBNAME", help_heading = None)]
    words: Vec<String>,

    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

const CONNECTION: &str = "Connection options, as in psql";
const SCREEN: &str = "Screen options";

const AFTER_HELP: &str = "\
A command may stand before or after options, but before the database. A database
or role that is named like one goes into -d or -U: pgmon-tui -d check.

Examples:
  pgmon-tui check -h db.example.com -U monitor app_db
  pgmon-tui -h db.example.com -U monitor app_db
  pgmon-tui postgresql://monitor@db1,db2/app_db?target_session_attrs=primary
  pgmon-tui \"host=db.example.com sslmode=verify-full sslrootcert=system\"
  pgmon-tui service=prod
  pgmon-tui --cluster prod

Environment:
  PGMON_DSN      connection string, used when none is given as an argument
  PGMON_CLUSTER  as --cluster, if neither PGMON_DSN nor an argument says more
  PGMON_CONFIG   as --config
  PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSSLMODE ...
                 libpq's variables; an argument wins over a service file, which
                 wins over these
  NO_COLOR       no colours

Files:
  ~/.config/pgmon-tui/config.toml   settings and [cluster.NAME]
  ~/.config/pgmon-tui/themes/       your own themes
  ~/.pgpass                         passwords; mode 0600
  ~/.pg_service.conf                connection services
  ~/.postgresql/                    root.crt, postgresql.crt, postgresql.key

Passwords belong in ~/.pgpass or are asked for: a command line is visible to
every user of the machine. Press ? inside the program for its keys.";

const AFTER_CHECK: &str = "\
Connects, asks everything once and prints: the server, the role, extensions and
settings, and pane by pane what is shown and what is not, each with the
statement that mends it. It changes nothing.

Exit status: 0 everything is shown, 1 something is not, 2 no connection, a role
that may write without --allow-privileged-role, or wrong arguments.

A database that is named check: pgmon-tui check -d check.";

const AFTER_ALERTS: &str = "\
Connects, asks everything twice a few seconds apart and prints the verdicts, the
worst first. The first line is the summary that Nagios and its kin show. It ends
by itself within a minute.

Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: no connection, a role that
may write without --allow-privileged-role, wrong arguments, or nothing could be
checked.

A rule that wants to see something for a while counts when it is so both times.
What takes a longer watch is listed as not checked.";

impl Cli {
    /// Reads this process's command line.
    ///
    /// # Errors
    /// Where it asks for help or is wrong that has been said, and this is the status to end with: 2, but 3 for `alerts`,
    /// where 2 would mean something else.
    pub fn parse() -> Result<Self, ExitCode> {
        let words: Vec<OsString> = std::env::args_os().collect();
        Self::read(words.iter().cloned()).map_err(|error| {
            // Nothing more can be said where the stream is closed.
            let _ = error.print();
            // A database of that name beside a slip does no harm.
            let alerts = words.iter().any(|word| word == "alerts");
            match error.exit_code() {
                0 => ExitCode::SUCCESS,
                _ if alerts => ExitCode::from(3),
                _ => ExitCode::from(2),
            }
        })
    }

    /// Reads the command line, the program's own name first. No error repeats what may be a password.
    ///
    /// # Errors
    /// As clap says; also what ends the program well: `--help` and `--version`.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words: Vec<OsString> = words.into_iter().collect();
        let has_password = |word: &OsString| {
            let word = word.as_encoded_bytes();
            word.starts_with(b"--password=") || word.starts_with(b"-W=")
        };
        if words.iter().any(has_password) {
            let sentence = "--password takes no value: every user of the machine could read it. \
                            Type it when asked, or put it into ~/.pgpass";
            return Err(Self::command().error(ErrorKind::TooManyValues, sentence));
        }
        let cli = Self::try_parse_from(words)?;
        if let Some(Command::Alerts { once: false, .. }) = cli.command {
            let sentence = "alerts takes --once: it asks everything twice, prints what is wrong and exits";
            return Err(Self::command().error(ErrorKind::MissingRequiredArgument, sentence));
        }
        Ok(cli)
    }

    /// The words that are no options: the command's, where there is one.
    fn words(&self) -> &[String] {
        match &self.command {
            None => &self.words,
            Some(Command::Check(output) | Command::Alerts { output, .. }) => &output.words,
        }
    }

    /// What is said about the server.
    #[must_use]
    pub fn args(&self) -> Args {
        Args {
            host: self.host.clone(),
            port: self.port.clone(),
            user: self.username.clone(),
            dbname: self.dbname.clone(),
            rest: self.words().to_vec(),
            cluster: self.cluster.clone(),
            prompt: self.prompt(),
        }
    }

    fn prompt(&self) -> Prompt {
        match (self.no_password, self.password) {
            (true, _) => Prompt::Never,
            (false, true) => Prompt::Always,
            (false, false) => Prompt::IfWanted,
        }
    }

    /// The settings with what the command line says over them.
    #[must_use]
    pub fn apply(&self, mut settings: config::Settings) -> config::Settings {
        if let Some(interval) = self.interval {
            settings.set_hot_interval(interval);
        }
        if let Some(theme) = &self.theme {
            settings.theme.clone_from(theme);
        }
        if self.ascii {
            settings.ascii = config::Ascii::On;
        }
        settings
    }
}

fn hot_interval(text: &str) -> Result<Duration, String> {
    config::hot_interval(text).map_err(|range| format!("it takes {range}"))
}

fn theme(text: &str) -> Result<String, &'static str> {
    if config::is_theme_name(text) {
        return Ok(text.to_owned());
    }
    Err("a theme's name has only letters, digits, \"-\" and \"_\"")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(words: &str) -> Result<Cli, clap::Error> {
        let words = std::iter::once("pgmon-tui").chain(words.split_whitespace());
        Cli::read(words.map(OsString::from))
    }

    #[test]
    fn is_well_formed() {
        Cli::command().debug_assert();
    }

    /// The program's own and those of its commands, as they are shown.
    fn helps() -> Vec<clap::Command> {
        let mut all = Cli::command();
        all.build();
        let commands: Vec<_> = all.get_subcommands().cloned().collect();
        std::iter::once(all).chain(commands).collect()
    }

    #[test]
    fn the_help_fits_80_columns_and_names_every_option() {
        for mut command in helps() {
            let help = command.render_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{line:?} is {} wide", line.chars().count());
            }
            for arg in command.get_arguments() {
                let name = arg
                    .get_long()
                    .map_or_else(|| "DBNAME".to_owned(), |long| format!("--{long}"));
                assert!(help.contains(&name), "{name} is missing");
            }
        }
    }

    #[rstest]
    #[case("check", Some("check"), None, &[])]
    #[case("-h db check app monitor", Some("check"), Some("db"), &["app", "monitor"])]
    #[case("check app -h db", Some("check"), Some("db"), &["app"])]
    #[case("-h db alerts --once", Some("alerts"), Some("db"), &[])]
    #[case("alerts app --once -h db", Some("alerts"), Some("db"), &["app"])]
    #[case("app check", None, None, &["app", "check"])]
    #[case("-h check alerter", None, Some("check"), &["alerter"])]
    #[case("-- check", None, None, &["check"])]
    #[case("help", None, None, &["help"])]
    fn a_command_is_the_first_word(
        #[case] words: &str,
        #[case] command: Option<&str>,
        #[case] host: Option<&str>,
        #[case] rest: &[&str],
    ) {
        let cli = parse(words).unwrap_or_else(|error| panic!("{error}"));
        let said = cli.command.as_ref().map(|command| match command {
            Command::Check(_) => "check",
            Command::Alerts { .. } => "alerts",
        });
        assert_eq!((said, cli.args().host.as_deref()), (command, host));
        assert_eq!(cli.args().rest, rest);
    }

    #[test]
    fn both_sides_of_a_command_are_read() {
        let cli = parse("-w -p 1 -p 2 check -d app -p 3 --json").unwrap_or_else(|error| panic!("{error}"));
        let args = cli.args();
        assert_eq!((args.port.as_deref(), args.dbname.as_deref()), (Some("3"), Some("app")));
        assert_eq!(args.prompt, Prompt::Never);
        assert!(matches!(cli.command, Some(Command::Check(Output { json: true, .. }))));
    }

    #[rstest]
    #[case("-?")]
    #[case("--help")]
    fn help_is_not_a_fault(#[case] words: &str) {
        let error = parse(words).err().expect("help ends the program");
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp);
        assert_eq!(error.exit_code(), 0);
    }

    #[test]
    fn words_of_an_unquoted_connection_string_are_left_to_the_plan() {
        let cli = parse("host=db password=hunter2 user=me").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cli.args().rest.len(), 3);
    }

    #[test]
    fn the_last_of_two_wins() {
        let cli = parse("-h a -h b -w -w").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cli.args().host.as_deref(), Some("b"));
    }

    #[test]
    fn the_letters_are_psqls() {
        let cli = parse("-h db -p 5433 -U monitor -d app -W").unwrap_or_else(|error| panic!("{error}"));
        let args = cli.args();
        assert_eq!(args.host.as_deref(), Some("db"));
        assert_eq!(args.port.as_deref(), Some("5433"));
        assert_eq!(args.user.as_deref(), Some("monitor"));
        assert_eq!(args.dbname.as_deref(), Some("app"));
        assert_eq!(args.prompt, Prompt::Always);
    }

    #[rstest]
    #[case("-w -W")]
    #[case("--password=hunter2")]
    #[case("-W=hunter2")]
    #[case("--interval 0.1")]
    #[case("--interval soon")]
    #[case("--theme ../etc/passwd")]
    #[case("--hots")]
    #[case("--dsn=postgres://me:hunter2@db")]
    #[case("check --password=hunter2")]
    #[case("alerts --dsn=postgres://me:hunter2@db")]
    #[case("alerts")]
    #[case("check --once")]
    fn bad_words_are_usage_errors(#[case] words: &str) {
        let error = parse(words).err().expect("refused");
        assert_eq!(error.exit_code(), 2);
        assert!(!error.render().to_string().contains("hunter2"));
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let cli = parse("--interval 0.5 --theme light --ascii").unwrap_or_else(|error| panic!("{error}"));
        let settings = cli.apply(config::Settings::default());
        assert_eq!(
            settings.pace(crate::probe::Tier::Hot).interval,
            Duration::from_millis(500)
        );
        assert_eq!((settings.theme.as_str(), settings.ascii), ("light", config::Ascii::On));
    }
}
