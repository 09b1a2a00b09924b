//! Pages that are printed: badges, the leaflet, contact cards, and forms for those who write by hand.

mod badges;
mod leaflet;
mod pdf;
mod photos;
mod press;
mod subjects;

use std::path::Path;

use serde::Serialize;

pub use super::kinds::Print;
pub use super::qr::code_of;
pub use pdf::to_pdf;
pub use photos::Photos;
pub use press::Press;

use super::reading::Reading;
use super::trial;
use super::{Asked, ReportError, Result, Templates};
use crate::db::Store;
use press::town;

/// As much as one file holds: a browser prints no more.
const MOST: usize = 4_000;

/// What was printed.
#[derive(Debug, Default)]
pub struct Printed {
    /// How many badges, cards or forms.
    pub count: usize,
    /// Of badges with a folder of photos.
    pub photos: Option<Photos>,
}

/// Writes pages to a file, and says what it has.
///
/// # Errors
/// Where the record can't be read, there is too much for one file, or it can't be written.
pub async fn write_print(
    store: &Store,
    print: Print,
    asked: &Asked,
    (templates, press): (&Templates, &Press),
    to: &Path,
) -> Result<Printed> {
    let mut reading = Reading::begin(store, asked).await?;
    let mut photos = None;
    let (html, count) = match print {
        Print::Badges => {
            let mut badges = badges::badges(&reading);
            let folder = press.photos.as_deref();
            photos = folder.map(|folder| photos::put(folder, &mut badges)).transpose()?;
            (render(templates, "badges.html", &reading, &badges, 8)?, badges.len())
        }
        Print::Leaflet => (leaflet::leaflet(&reading, templates)?, 1),
        Print::Cards => {
            let cards = subjects::cards(&mut reading, press).await?;
            (render(templates, "cards.html", &reading, &cards, 8)?, cards.len())
        }
        Print::Forms => {
            let forms = subjects::forms(&mut reading).await?;
            (render(templates, "forms.html", &reading, &forms, 1)?, forms.len())
        }
    };
    reading.record.end().await?;
    std::fs::write(to, html).map_err(|why| ReportError::of_file(to, why.kind()))?;
    Ok(Printed { count, photos })
}

/// What stands on every page.
#[derive(Serialize)]
struct Pages<'p, T> {
    campaign: &'p str,
    town: String,
    hotline: &'p str,
    year: i16,
    sheets: Vec<&'p [T]>,
}

/// So many to a sheet.
fn render<T: Serialize>(
    templates: &Templates,
    template: &str,
    reading: &Reading,
    each: &[T],
    to_a_sheet: usize,
) -> Result<String> {
    if each.len() > MOST {
        let why =
            format!("共 {} 份，一个文件最多 {MOST} 份；请用 --area 分总支或分村印", each.len());
        return Err(ReportError::File { file: "太多".to_owned(), why });
    }
    let plan = &reading.plan;
    templates.render(
        template,
        Pages {
            campaign: &plan.name,
            town: town(reading),
            hotline: &plan.hotline,
            year: plan.starts_on().year(),
            sheets: each.chunks(to_a_sheet).collect(),
        },
    )
}

/// What is wrong with the templates of what is printed.
pub(super) fn try_out(templates: &Templates) -> Vec<ReportError> {
    let mut wrong = leaflet::tried(templates);
    wrong.extend(tried::<badges::Badge>(templates, "badges.html"));
    wrong.extend(tried::<subjects::Card>(templates, "cards.html"));
    wrong.extend(tried::<subjects::Form>(templates, "forms.html"));
    wrong
}

fn tried<T: Serialize + Default>(templates: &Templates, template: &str) -> Option<ReportError> {
    let one = [T::default()];
    let pages = |sheets| Pages { campaign: "", town: String::new(), hotline: "", year: 0, sheets };
    trial::try_out(templates, template, pages(vec![&one[..]]), pages(Vec::new()))
}
