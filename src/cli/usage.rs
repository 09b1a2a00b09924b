//! What the command line says of itself: its help, and what is wrong with how it was called, in Chinese.

use clap::builder::{Arg, ArgAction, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error, FromArgMatches};

use super::Cli;
use crate::domain::reason::is_chinese;

const HELP: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}";

/// Reads the arguments; gives back what to say where they can't be read.
pub(super) fn read(arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Cli, Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Which command the process was started with, such as `issue void`; nothing of its arguments.
pub(super) fn command_words() -> String {
    let mut words = Vec::new();
    if let Ok(matches) = command().try_get_matches_from(std::env::args_os()) {
        let mut at = &matches;
        while let Some((name, below)) = at.subcommand() {
            words.push(name.to_owned());
            at = below;
        }
    }
    words.join(" ")
}

/// The whole command line in Chinese.
pub(super) fn command() -> Command {
    in_chinese(Cli::command())
}

/// What stands for a value in help and usage, by the name that it has in the sources.
const VALUES: &[(&str, &str)] = &[
    ("FILE", "文件"),
    ("FILES", "文件"),
    ("DIR", "文件夹"),
    ("OUTPUT", "文件"),
    ("STAFF", "人员编号"),
    ("BY", "人员编号"),
    ("GROUPING", "分列"),
    ("INSPECTOR", "人员编号"),
    ("DEPUTY", "人员编号"),
    ("TO", "人员编号"),
    ("REASON", "原因"),
    ("ACTOR", "人员编号"),
    ("ACTION", "动作"),
    ("HEAD", "标记"),
    ("NUMBER", "编号"),
    ("SUBJECT", "对象编号"),
    ("SUBJECTS", "对象编号"),
    ("KEY", "编号"),
    ("ID", "编号"),
    ("TITLE", "名称"),
    ("SCOPE", "能看什么"),
    ("DAYS", "天数"),
    ("KIND", "种类"),
    ("SHELL", "命令行"),
    ("STATE", "状态"),
    ("SORT", "次序"),
    ("LANE", "通道"),
    ("CHANNEL", "通道"),
    ("LIMIT", "件数"),
    ("ROLE", "角色"),
    ("AREA", "区划"),
    ("ABOUT", "谁"),
    ("REPORTER", "谁"),
    ("ON", "日期"),
    ("FROM", "日期"),
    ("UNTIL", "日期"),
    ("INSTANT", "时间"),
    ("ALIKE", "改字或另一件"),
    ("COLUMN", "列名"),
    ("SEED", "数"),
    ("N", "数"),
    ("SPEC", "故障"),
    ("NAME,…", "名称,…"),
    ("ADDR", "地址"),
    ("LISTEN", "地址"),
    ("LOG", "级别"),
    ("CODE", "代号"),
    ("NAME", "名称"),
    ("TOWN", "区划代码"),
    ("START", "日期"),
    ("FOLLOW_UP", "日期"),
    ("MEDIATED", "日期"),
    ("MEDIATOR", "谁"),
    ("PARTY", "谁"),
    ("ISSUE", "问题编号"),
    ("FINDING", "结论"),
    ("VISITS", "做法"),
    ("PHASE", "阶段"),
    ("UNIT", "单位"),
    ("CAMPAIGN", "活动"),
    ("SINCE", "日期"),
    ("WHY", "原因"),
];

/// What stands for an argument's value: as it's known, else nothing.
fn value_name(arg: &Arg) -> Option<&'static str> {
    let own = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let name = own.unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    let known = VALUES.iter().find(|(english, _)| *english == name);
    known.map(|(_, chinese)| *chinese)
}

/// The same command and all below it with Chinese headings.
fn in_chinese(command: Command) -> Command {
    let below: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let positionals = command.get_positionals().map(|arg| arg.get_id().clone());
    let positionals: Vec<_> = positionals.collect();
    let help = Arg::new("help").short('h').long("help").help("显示说明").action(ArgAction::Help);
    let mut command = command
        .help_template(HELP)
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .next_help_heading("选项")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(help.global(false).help_heading("选项"));
    if command.get_version().is_some() {
        let version = Arg::new("version").short('V').long("version").help("显示版本");
        command = command
            .disable_version_flag(true)
            .arg(version.action(ArgAction::Version).help_heading("选项"));
    }
    command = command.mut_args(|arg| {
        let heading = if positionals.contains(arg.get_id()) { "参数" } else { "选项" };
        let arg = arg.help_heading(heading);
        match value_name(&arg).filter(|_| arg.get_action().takes_values()) {
            Some(name) => arg.value_name(name),
            None => arg,
        }
    });
    below.into_iter().fold(command, |command, name| command.mut_subcommand(name, in_chinese))
}

/// What clap itself writes, in Chinese.
const WORDS: &[(&str, &str)] = &[
    ("[OPTIONS]", "[选项]"),
    ("[default: ", "[默认："),
    ("[env: ", "[环境变量："),
    ("[possible values: ", "[可以写："),
    ("Possible values:", "可以写："),
    ("[aliases: ", "[也可写："),
];

fn translated(text: &str) -> String {
    WORDS.iter().fold(text.to_owned(), |text, (english, chinese)| text.replace(english, chinese))
}

/// What whoever asked for help, or for the version, is shown.
pub(super) fn shown(help: &Error) -> String {
    translated(&help.to_string())
}

/// What to tell whoever called it so.
pub(super) fn explain(error: &Error) -> String {
    let of = |kind| error.get(kind).map(said).unwrap_or_default();
    let (arg, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("没有「{arg}」这个选项或参数"),
        ErrorKind::InvalidSubcommand => {
            format!("没有「{}」这个命令", of(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("还缺：{arg}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "还缺命令".to_owned()
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("「{arg}」后面要写内容"),
        ErrorKind::InvalidValue => format!("「{arg}」不能是「{value}」"),
        ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(why) => format!("「{arg}」的「{value}」不对：{}", in_words(&why.to_string())),
            None => format!("「{arg}」的「{value}」不对"),
        },
        ErrorKind::ArgumentConflict => {
            format!("「{arg}」不能与「{}」同时用", of(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("「{arg}」后面的内容个数不对")
        }
        ErrorKind::NoEquals => format!("「{arg}」后面要用等号写内容"),
        ErrorKind::InvalidUtf8 => "命令里有认不出的字，应使用 UTF-8".to_owned(),
        _ => "命令写得不对".to_owned(),
    };
    let allowed = of(ContextKind::ValidValue) + &of(ContextKind::ValidSubcommand);
    let like = of(ContextKind::SuggestedArg) + &of(ContextKind::SuggestedSubcommand);
    let like = like + &of(ContextKind::SuggestedValue);
    let mut lines = vec![what];
    if !allowed.is_empty() {
        lines.push(format!("可以写：{allowed}"));
    }
    if !like.is_empty() {
        lines.push(format!("是不是要写：{like}"));
    }
    let usage = translated(&of(ContextKind::Usage));
    if let Some((_, usage)) = usage.trim().split_once(' ') {
        lines.push(format!("用法：{}", usage.trim()));
    }
    lines.push("全部命令和选项：加上 --help".to_owned());
    lines.join("\n")
}

fn said(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(several) => several.join("、"),
        ContextValue::StyledStrs(several) => {
            several.iter().map(StyledStr::to_string).collect::<Vec<_>>().join("、")
        }
        ContextValue::None => String::new(),
        other => other.to_string(),
    }
}

/// What the standard library and others say of a value that they can't read.
fn in_words(why: &str) -> String {
    let known = [
        ("invalid digit found in string", "要写整数"),
        ("cannot parse integer from empty string", "要写整数"),
        ("is not in", "数太大或太小"),
        ("number too large", "数太大"),
        ("number too small", "数太小"),
        ("invalid float literal", "要写数"),
        ("cannot parse float from empty string", "要写数"),
        ("invalid socket address syntax", "要写成 地址:端口，例如 127.0.0.1:8080"),
    ];
    let found = known.iter().find(|(english, _)| why.contains(english));
    let is_ours = is_chinese(why);
    match found {
        Some((_, chinese)) => (*chinese).to_owned(),
        None if is_ours => why.to_owned(),
        None => "认不出这个写法".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(arguments: &[&str]) -> String {
        let arguments = ["zoufang"].iter().chain(arguments).map(Into::into);
        explain(&read(arguments).err().unwrap())
    }

    #[test]
    fn a_wrong_call_is_explained_in_chinese() {
        for (arguments, said) in [
            (vec!["import"], "还缺：<文件>"),
            (vec!["imprt", "a"], "没有「imprt」这个命令"),
            (vec!["imprt", "a"], "import"),
            (vec!["import", "--dryrun", "a"], "没有「--dryrun」这个选项或参数"),
            (vec!["import", "--alike", "x", "a"], "可以写：correction、another"),
            (vec!["figures", "--by", "户"], "的「户」不对"),
            (vec!["figures", "--held", "--by", "村"], "不能与"),
            (vec!["figures", "--by"], "后面要写内容"),
            (vec!["notify", "preview", "--on", "3月8日"], "应写成 2022-03-08"),
            (vec![], "还缺命令"),
        ] {
            let text = called(&arguments);
            assert!(text.contains(said), "{arguments:?}: {text}");
            for english in ["error", "required", "unexpected", "Usage", "similar", "OPTIONS"] {
                assert!(!text.contains(english), "{english}: {text}");
            }
        }
    }

    /// All that can be called, with the words by which it is.
    fn called_by(command: &Command, words: &str, all: &mut Vec<(String, Command)>) {
        let is_called = !command.has_subcommands() || !command.is_subcommand_required_set();
        if is_called && !words.is_empty() {
            all.push((words.to_owned(), command.clone()));
        }
        for below in command.get_subcommands() {
            called_by(below, format!("{words} {}", below.get_name()).trim(), all);
        }
    }

    #[test]
    fn each_command_asks_in_whose_name_as_it_is_told() {
        let told = include_str!("../../docs/access.md");
        let rows = told.lines().filter_map(|line| line.strip_prefix("| zoufang "));
        let told: Vec<(&str, &str)> =
            rows.filter_map(|row| row.trim_end_matches([' ', '|']).split_once(" | ")).collect();
        let mut all = Vec::new();
        called_by(&command(), "", &mut all);
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let named: Vec<&str> = all.iter().map(|(words, _)| words.as_str()).collect();
        assert_eq!(named, told.iter().map(|(words, _)| *words).collect::<Vec<_>>());
        for ((words, command), (_, asks)) in all.iter().zip(&told) {
            let of = |name: &str| command.get_arguments().find(|arg| arg.get_id() == name);
            let by = of("by").filter(|_| words != "figures");
            let found = match (of("reveal"), by, of("repair")) {
                (Some(_), Some(by), _) if !by.is_required_set() => "reveal",
                (None, Some(by), None) if by.is_required_set() => "by",
                (None, Some(by), Some(_)) if !by.is_required_set() => "part",
                (None, Some(by), None) if !by.is_required_set() => "named",
                (None, None, None) if matches!(*asks, "open" | "machine") => asks,
                _ => "neither",
            };
            assert_eq!(found, *asks, "{words}");
        }
    }

    #[test]
    fn figures_are_by_a_grouping_and_not_by_somebody() {
        let help = called(&["figures", "--by"]);
        assert!(help.contains("--by <分列>"), "{help}");
    }

    #[test]
    fn every_help_is_in_chinese() {
        fn walk(command: &Command) {
            let help = translated(&command.clone().render_long_help().to_string());
            for english in [
                "Usage:",
                "Options:",
                "Commands:",
                "Arguments:",
                "Print ",
                "OPTIONS",
                "ossible values",
                "[default",
            ] {
                assert!(!help.contains(english), "{}: {help}", command.get_name());
            }
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let name = arg.get_value_names().unwrap()[0].as_str();
                assert!(
                    !name.chars().any(|c| c.is_ascii_alphabetic()),
                    "{} {name}",
                    command.get_name()
                );
                assert!(arg.get_help().is_some(), "{} {name} says nothing", command.get_name());
            }
            assert!(command.get_about().is_some(), "{}", command.get_name());
            command.get_subcommands().for_each(walk);
        }
        let mut command = command();
        command.build();
        walk(&command);
    }
}
