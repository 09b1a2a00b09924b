//! A browser as the pages for people who sign in see one: it keeps cookies, says where its forms come from, and follows nothing
//! by itself.

use std::collections::BTreeMap;

use zoufang::app::accounts::invite;
use zoufang::db::{StaffMember, Store};

use super::client;

/// What a page answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// Where it leads.
    pub to: String,
    pub cookies: Vec<String>,
}

impl Answer {
    /// The value of a hidden field of a form.
    pub fn field(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let at = self.text.find(&mark).unwrap_or_else(|| panic!("no {name}: {}", self.text));
        let rest = &self.text[at + mark.len()..];
        rest[..rest.find('"').unwrap()].to_owned()
    }

    /// That it says something.
    #[track_caller]
    pub fn says(&self, said: &str) -> &Answer {
        assert!(self.text.contains(said), "{said}: {} {}", self.status, self.text);
        self
    }

    /// That it doesn't.
    #[track_caller]
    pub fn hides(&self, said: &str) -> &Answer {
        assert!(!self.text.contains(said), "{said}: {} {}", self.status, self.text);
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

#[derive(Debug, Clone, Default)]
pub struct Browser {
    pub url: String,
    pub cookies: BTreeMap<String, String>,
    /// Headers of every request.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub fn at(url: &str) -> Browser {
        Browser { url: url.to_owned(), ..Browser::default() }
    }

    /// Opens a page; one that the record didn't answer in time refreshes itself.
    pub async fn get(&mut self, path: &str) -> Answer {
        let mut answer = self.send(client().get(format!("{}{path}", self.url))).await;
        for _ in 0..20 {
            if answer.status != 503 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            answer = self.send(client().get(format!("{}{path}", self.url))).await;
        }
        answer
    }

    /// Sends a form of the site's own.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.url.clone();
        let request = client().post(format!("{}{path}", self.url)).form(fields);
        self.send(request.header("origin", origin)).await
    }

    pub async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Answer {
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let header = |name| {
            let all = answer.headers().get_all(name).iter();
            all.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (to, cookies) = (header("location").pop().unwrap_or_default(), header("set-cookie"));
        for cookie in &cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let text = answer.text().await.unwrap().replace("&#x2f;", "/");
        Answer { status, text, to, cookies }
    }

    /// Signs in with a password. Where the machine is too busy to answer, nothing was counted, and it's tried again.
    pub async fn sign_in(&mut self, number: &str, password: &str) -> Answer {
        let form = self.get("/my/sign-in").await.field("form");
        let fields = [("form", form.as_str()), ("number", number), ("password", password)];
        let mut answer = self.post("/my/sign-in", &fields).await;
        for _ in 0..5 {
            if answer.status != 503 {
                break;
            }
            answer = self.post("/my/sign-in", &fields).await;
        }
        answer
    }
}

pub const PASSWORD: &str = "路灯 修好 三月";

pub async fn person(store: &Store, number: &str) -> StaffMember {
    let staff = store.staff().await.unwrap();
    staff.into_iter().find(|person| person.number == number).unwrap()
}

/// The secret of a one-time link for this person.
pub async fn invited(store: &Store, number: &str) -> String {
    let (of, by) = (person(store, number).await, person(store, "Z1").await);
    let mut tx = store.begin().await.unwrap();
    let token = invite(&mut tx, &of, &by).await.unwrap();
    tx.commit().await.unwrap();
    token
}

/// A browser in which this person has signed in for the first time.
pub async fn signed_in(store: &Store, url: &str, number: &str) -> Browser {
    let token = invited(store, number).await;
    let mut browser = Browser::at(url);
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    browser.post(&format!("/my/welcome/{token}"), &fields).await.is(303);
    browser
}
