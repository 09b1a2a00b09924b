//! How a platform behaves, as data: each habit of a real one is a value, and several combine.

use std::time::Duration;

/// The habits of a platform. What isn't said is as GeoReport v2 has it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Behaviour {
    pub paging: Option<Paging>,
    pub description: Option<Description>,
    pub window: Option<Window>,
    pub times: Option<Times>,
    pub numbers: Option<Numbers>,
    pub charset: Option<Charset>,
    pub shape: Option<Shape>,
    pub receipt: Option<Receipt>,
    pub repeated: Option<Repeated>,
    pub firewall: Option<Firewall>,
    pub course: Option<Course>,
    pub words: Option<Words>,
    pub parameters: Option<Parameters>,
    pub attributes: Option<&'static [Attribute]>,
    pub busy: Option<Busy>,
    pub look: Option<Look>,
    pub listed: Option<Listed>,
    /// How long after a request was received lists begin to show it.
    pub behind: Option<Duration>,
}

impl Behaviour {
    /// Both together; where they differ over one habit, the other's.
    pub fn and(self, other: Behaviour) -> Behaviour {
        Behaviour {
            paging: other.paging.or(self.paging),
            description: other.description.or(self.description),
            window: other.window.or(self.window),
            times: other.times.or(self.times),
            numbers: other.numbers.or(self.numbers),
            charset: other.charset.or(self.charset),
            shape: other.shape.or(self.shape),
            receipt: other.receipt.or(self.receipt),
            repeated: other.repeated.or(self.repeated),
            firewall: other.firewall.or(self.firewall),
            course: other.course.or(self.course),
            words: other.words.or(self.words),
            parameters: other.parameters.or(self.parameters),
            attributes: other.attributes.or(self.attributes),
            busy: other.busy.or(self.busy),
            look: other.look.or(self.look),
            listed: other.listed.or(self.listed),
            behind: other.behind.or(self.behind),
        }
    }
}

/// How much of a list one answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Where the question doesn't say.
    pub size: usize,
    /// The most that one can ask for, and by which name.
    pub largest: usize,
    pub named: &'static str,
    pub order: Order,
    pub pages: Pages,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// What `page` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Nothing: what is beyond the first can't be had.
    None,
    FromOne,
    FromZero,
    /// From one; after the last comes the last again, for ever.
    LastAgain,
}

/// What a list shows of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Description {
    /// So many characters of it, also where one request is asked about.
    Kept(usize),
    /// So many characters of it, and the whole where one request is asked about.
    Listed(usize),
    /// Null, and the whole where one request is asked about.
    Null,
    /// With what HTML has entities for written as such.
    Escaped,
    /// Behind a title.
    Titled,
}

/// How `start_date` and `end_date` are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// As local time, whatever zone they name.
    Local,
    /// Not at all.
    Ignored,
}

/// How instants are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// 2022-04-20 09:00:00, in local time.
    WithoutZone,
    /// 2022-04-20T09:00:00Z, and it's local time.
    LocalCalledUtc,
    /// 2022-04-20T09:00:00+08:00.
    Offset,
}

/// What a request's number looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Twenty digits, as a JSON number.
    Long,
    /// ISLANDTON-14CAP-00000-00070.
    Lettered,
    /// CHD/22/0000070: what stands in a path is to be encoded.
    Slashed,
}

/// How an answer is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8 behind a byte order mark.
    Marked,
    Gbk,
    /// GBK, and nothing says so but an XML declaration.
    GbkUnsaid,
}

/// What a list in JSON looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// {"service_requests": […]}.
    Wrapped,
    /// null where there is none.
    NullForNone,
}

/// What a submission is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// A token; the number comes after this.
    Token(Duration),
    /// The same, and until then the number is 0.
    ZeroToken(Duration),
    /// 303 to the new request.
    Redirect,
    /// 202, and nothing more.
    Accepted,
}

/// What comes of a submission that is word for word an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// 409, and nothing is stored.
    Conflict,
    /// The earlier one's number, and nothing is stored.
    SameNumber,
}

/// A firewall before it: 403 where a text holds one of these, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firewall(pub &'static [&'static str]);

/// How a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Closed, a day later taken up again, and closed again after another five.
    Reopened,
}

/// How a status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// OPEN, IN_PROGRESS, CLOSED.
    Upper,
    /// Received, In Progress, Closed.
    Titled,
    /// open and closed, and nothing between.
    TwoOnly,
}

/// What a question and a submission must carry, and mustn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameters {
    /// `api_key` in what is submitted, in no question about services, tokens or one request; nothing that isn't known
    /// is taken, and the status of an update is in upper case.
    Strict,
    /// `api_key` in everything.
    KeyEverywhere,
}

/// An attribute that each service requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub code: &'static str,
    pub datatype: &'static str,
    /// False where the definition only presents it; some ask for it all the same.
    pub variable: bool,
}

/// Of so many submissions in a row the first is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    pub every: usize,
    pub status: u16,
    pub retry_after: RetryAfter,
}

/// RFC 9110, 10.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    Seconds(u32),
    /// An HTTP-date so many seconds from now, or before it.
    Date(i32),
}

/// Which requests a list shows where no status is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// What isn't closed.
    OpenOnly,
}

/// How a list of requests is refused. One request can still be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look(pub u16);
