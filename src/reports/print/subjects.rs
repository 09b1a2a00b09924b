//! 联系服务群众卡 and forms to be written on: one for each subject.

use serde::Serialize;

use super::super::Result;
use super::super::qr::code_of;
use super::super::reading::Reading;
use super::press::Press;
use crate::app::cards::address;

/// What stands on a card.
#[derive(Debug, Default, Serialize)]
pub struct Card {
    number: String,
    name: String,
    village: String,
    visitor: String,
    phone: String,
    code: Option<String>,
}

pub async fn cards(reading: &mut Reading, press: &Press) -> Result<Vec<Card>> {
    let (mut pages, mut cards) = (reading.pages(), Vec::new());
    while let Some((place, subjects)) = pages.subjects(reading).await? {
        // Nobody goes to what ended.
        for subject in subjects.into_iter().filter(|one| one.ended.is_none()) {
            let page = (!press.public_url.is_empty())
                .then(|| address(&reading.context, &press.public_url, &subject.number));
            cards.push(Card {
                name: reading.subject_name(subject.kind, &subject.name),
                village: place.village.clone(),
                visitor: reading.person(subject.visitor.as_deref()),
                phone: reading.phone(subject.visitor.as_deref()),
                code: page.as_deref().and_then(code_of),
                number: subject.number,
            });
        }
    }
    Ok(cards)
}

/// What stands on a form before anybody writes on it.
#[derive(Debug, Default, Serialize)]
pub struct Form {
    /// Brings it back to its household.
    form: String,
    number: String,
    kind: &'static str,
    name: String,
    address: String,
    village: String,
    branch: String,
    visitor: String,
    code: Option<String>,
}

pub async fn forms(reading: &mut Reading) -> Result<Vec<Form>> {
    let (mut pages, mut forms) = (reading.pages(), Vec::new());
    while let Some((place, subjects)) = pages.subjects(reading).await? {
        for subject in subjects.into_iter().filter(|one| one.ended.is_none()) {
            let form = reading.plan.form_number(&subject.number);
            forms.push(Form {
                code: code_of(&form),
                form,
                kind: subject.kind.map_or("", |kind| kind.chinese()),
                name: reading.subject_name(subject.kind, &subject.name),
                address: reading.address(subject.address.as_deref()),
                village: place.village.clone(),
                branch: place.branch.clone(),
                visitor: reading.person(subject.visitor.as_deref()),
                number: subject.number,
            });
        }
    }
    Ok(forms)
}
