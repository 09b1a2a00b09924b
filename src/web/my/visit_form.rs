//! The fields of a visit's form, understood as a table's cells are: cleaned, and each wrong one named.

use jiff::civil::Date;
use minijinja::context;
use serde::Serialize;

use super::fields::{Fields, Upload};
use crate::app::choices::{Alike, Choices};
use crate::app::photos::Fit;
use crate::app::recording::{Entry, What, Whom};
use crate::app::visits::{Heard, NewIssue};
use crate::domain::issue::{Category, Class, Level, Urgency};
use crate::domain::phone;
use crate::domain::saying::is_nothing;
use crate::domain::visit::{Satisfaction, VisitKind};
use crate::intake::{Sort, clean};

/// So many characters may be written of what somebody asked for.
const LONGEST: usize = 1_000;
/// And of a name.
const LONGEST_NAME: usize = 40;
/// So many photos come at once.
pub(super) const MOST_PHOTOS: usize = 9;

/// Files as the photos that they are, named by their place: what a telephone calls them says when they were taken.
///
/// # Errors
/// What is wrong with each that is none.
pub(super) fn fit(files: &[Upload]) -> Result<Vec<Fit>, Vec<String>> {
    let mut wrongs = Vec::new();
    let mut photos = Vec::new();
    for (place, file) in files.iter().enumerate() {
        match Fit::of(&format!("照片{}", place + 1), &file.0) {
            Ok(photo) => photos.push(photo),
            Err(why) => wrongs.push(why),
        }
    }
    if wrongs.is_empty() { Ok(photos) } else { Err(wrongs) }
}

/// What a form lets choose from.
pub(super) fn choices_offered() -> minijinja::Value {
    context! {
        levels => Level::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        categories => Category::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        urgencies => Urgency::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        answers => Satisfaction::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        most_photos => MOST_PHOTOS,
    }
}

/// What is wrong in a field.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Wrong {
    pub field: &'static str,
    pub text: String,
}

impl Wrong {
    pub fn of(field: &'static str, text: impl Into<String>) -> Wrong {
        Wrong { field, text: text.into() }
    }
}

/// Collects what is wrong while fields are read.
struct Reader<'f> {
    fields: &'f Fields,
    wrongs: Vec<Wrong>,
}

/// What a form says, or all that is wrong with it.
pub(crate) fn read(
    number: &str,
    kind: VisitKind,
    fields: &Fields,
    days: (Date, Date),
) -> Result<Entry, Vec<Wrong>> {
    read_with_photos(number, kind, (fields, &[]), days)
}

/// The same of one that may bring photos.
pub(super) fn read_with_photos(
    number: &str,
    kind: VisitKind,
    (fields, files): (&Fields, &[Upload]),
    days: (Date, Date),
) -> Result<Entry, Vec<Wrong>> {
    let mut reader = Reader { fields, wrongs: Vec::new() };
    let on = reader.day(days);
    let whom = reader.whom();
    let contact = reader.contact();
    let what = match kind {
        VisitKind::Revisit => reader.answer(),
        VisitKind::First | VisitKind::SpotCheck => reader.heard(),
    };
    let pledged = fields.text("pledge") == "yes";
    if !pledged && !matches!(what, Some(What::Unheard(_))) {
        let text = "请勾选：没有在群众家就餐、没有收受礼品。有这种情况的，请如实向督导组报告";
        reader.wrong("pledge", text);
    }
    let why = reader.cleaned("why", Sort::Free, LONGEST).filter(|_| kind == VisitKind::Revisit);
    let photos = reader.photos(files, what.as_ref());
    let in_person = reader.is_in_person(kind);
    let form = fields.text("form");
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if form.is_empty() || form.len() > 64 || !form.bytes().all(is_ours) {
        reader.wrong("", "表单不完整，请重新打开页面再填");
    }
    let entry = || {
        Some(Entry {
            form: form.to_owned(),
            subject: number.to_owned(),
            kind,
            whom: whom?,
            contact,
            on: on?,
            in_person: in_person?,
            what: what?,
            why,
            confirmed: fields.text("decided") == "reopening",
            pledged,
            choices: choices(fields),
            photos,
        })
    };
    let entry = entry();
    match entry {
        Some(entry) if reader.wrongs.is_empty() => Ok(entry),
        _ => Err(reader.wrongs),
    }
}

/// What was answered to what was asked.
fn choices(fields: &Fields) -> Choices {
    let answered = fields.text("decided");
    Choices {
        same_person: answered == "same_person",
        alike: match answered {
            "correction" => Alike::Correction,
            "another" => Alike::Another,
            _ => Alike::Ask,
        },
        ..Choices::default()
    }
}

impl Reader<'_> {
    fn wrong(&mut self, field: &'static str, text: impl Into<String>) {
        self.wrongs.push(Wrong::of(field, text));
    }

    /// A field as a table's cell is cleaned; nothing where it's empty.
    fn cleaned(&mut self, field: &'static str, sort: Sort, longest: usize) -> Option<String> {
        match clean(self.fields.text(field), sort) {
            Ok(text) if text.is_empty() => None,
            Ok(text) if text.chars().count() > longest => {
                let count = text.chars().count();
                self.wrong(field, format!("写了 {count} 个字，最多 {longest} 个，请写得简短些"));
                None
            }
            Ok(text) => Some(text),
            Err(why) => {
                self.wrong(field, why);
                None
            }
        }
    }

    fn day(&mut self, (first, today): (Date, Date)) -> Option<Date> {
        let on = self.fields.text("on").parse::<Date>().ok();
        match on {
            None => self.wrong("on", "请选走访日期"),
            Some(on) if on > today => {
                self.wrong("on", format!("日期 {on} 在将来（今天是 {today}），请核对"));
            }
            Some(_) if today < first => {
                self.wrong("on", format!("这次活动 {first} 才开始：到那天起再登记走访"));
            }
            Some(on) if on < first => {
                self.wrong("on", format!("日期 {on} 早于这次活动（{first} 开始），请核对"));
            }
            Some(_) => {}
        }
        on
    }

    fn whom(&mut self) -> Option<Whom> {
        let (id, known) = (self.fields.text("resident"), self.fields.text("known_name"));
        if self.fields.text("decided") == "known" && !known.is_empty() {
            let name = self.cleaned("known_name", Sort::Short, LONGEST_NAME)?;
            return Some(Whom::New { name, listed: None });
        }
        if !id.is_empty() {
            let seen = self.fields.text("seen").to_owned();
            return Some(Whom::Known { id: id.to_owned(), seen });
        }
        let before = self.wrongs.len();
        let name = self.cleaned("name", Sort::Short, LONGEST_NAME);
        match name {
            Some(name) if is_nothing(&name) => {
                self.wrong("name", "请写群众的姓名");
                None
            }
            None if self.wrongs.len() == before => {
                self.wrong("name", "请写群众的姓名");
                None
            }
            name => name.map(|name| Whom::New { name, listed: self.listed() }),
        }
    }

    /// Who was listed there when the form was shown, by their ids.
    fn listed(&self) -> Option<Vec<String>> {
        let listed = self.fields.0.get("listed")?;
        Some(listed.split_whitespace().map(str::to_owned).collect())
    }

    /// The photos that came with it: of what was asked for, and of nothing else.
    fn photos(&mut self, files: &[Upload], what: Option<&What>) -> Vec<Fit> {
        if !files.is_empty() && !matches!(what, None | Some(What::Heard(Heard::Issue(_)))) {
            self.wrong("photos", "照片是问题的照片：没有登记问题的，请去掉照片");
        }
        if files.len() > MOST_PHOTOS {
            let text = format!("选了 {} 张照片，一次最多 {MOST_PHOTOS} 张", files.len());
            self.wrong("photos", text);
            return Vec::new();
        }
        match fit(files) {
            Ok(photos) => photos,
            Err(wrongs) => {
                self.wrongs.extend(wrongs.into_iter().map(|text| Wrong::of("photos", text)));
                Vec::new()
            }
        }
    }

    fn contact(&mut self) -> Option<String> {
        let contact = self.cleaned("contact", Sort::Short, LONGEST_NAME)?;
        if is_nothing(&contact) {
            return None;
        }
        if let Some(why) = phone::wrong(&contact) {
            self.wrong("contact", why);
        }
        Some(contact)
    }

    fn answer(&mut self) -> Option<What> {
        let answer = Satisfaction::read(self.fields.text("answer"));
        if answer.is_none() {
            self.wrong("answer", "请选群众是否满意");
        }
        answer.map(|answer| What::Heard(Heard::Answer(answer)))
    }

    fn heard(&mut self) -> Option<What> {
        match self.fields.text("heard") {
            "nothing" => {
                if !self.fields.text("text").is_empty() {
                    let text = "选了没有问题，这里却写了内容：有问题请选「有问题」，没有请清空";
                    self.wrong("text", text);
                }
                Some(What::Heard(Heard::Nothing))
            }
            "issue" => {
                let text = self.said("text", "请写群众反映了什么，没有问题请选「没有问题」");
                let class = self.class();
                Some(What::Heard(Heard::Issue(NewIssue { text: text?, class: class?, twin: None })))
            }
            "unheard" => {
                self.said("unheard", "请写为什么没有见到，如「外出务工」").map(What::Unheard)
            }
            _ => {
                self.wrong("heard", "请选一项：没有问题、有问题，还是没有见到本人");
                None
            }
        }
    }

    fn said(&mut self, field: &'static str, ask: &'static str) -> Option<String> {
        let before = self.wrongs.len();
        let text = self.cleaned(field, Sort::Free, LONGEST);
        if self.wrongs.len() > before {
            return None;
        }
        let text = text.filter(|text| !is_nothing(text));
        if text.is_none() {
            self.wrong(field, ask);
        }
        text
    }

    /// What was chosen; nothing inside where nothing was, and nothing at all where it's none of what can be.
    fn chosen<T>(
        &mut self,
        field: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.fields.text(field) {
            "" => Some(None),
            text => {
                let found = read(text);
                if found.is_none() {
                    self.wrong(field, "没有这个选项，请从给出的里面选");
                }
                found.map(Some)
            }
        }
    }

    /// How somebody was met: to their face, where nothing else is said.
    fn is_in_person(&mut self, kind: VisitKind) -> Option<bool> {
        let read = |text: &str| ["face_to_face", "telephone"].iter().position(|one| *one == text);
        let by_telephone = self.chosen("manner", read)? == Some(1);
        Some(kind != VisitKind::Revisit || !by_telephone)
    }

    /// How it's classified, where it is; nothing where that's wrong.
    fn class(&mut self) -> Option<Option<Class>> {
        let level = self.chosen("level", Level::read)?;
        let category = self.chosen("category", Category::read)?;
        let urgency = self.chosen("urgency", Urgency::read)?.unwrap_or(Urgency::Normal);
        match (level, category) {
            (None, None) => Some(None),
            (Some(level), Some(category)) => Some(Some(Class { level, category, urgency })),
            (Some(_), None) => {
                self.wrong("category", "选了责任层级，还要选类别");
                None
            }
            (None, Some(_)) => {
                let text = "选了类别，还要选责任层级；现在定不下来的，两样都不选，以后再分类";
                self.wrong("level", text);
                None
            }
        }
    }
}
