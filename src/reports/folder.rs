//! Everything that the notice asks to be handed in, in a folder: each file whole or not there, and never over another.

use std::path::{Path, PathBuf};

use super::kinds::{Document, Table};
use super::print::{Press, Print, write_print};
use super::{Asked, ReportError, Result, Templates, write_document, write_table};
use crate::db::{Area, AreaHolds, AreaTree, Store};
use crate::domain::area::AreaKind;
use crate::domain::campaign::PhaseName;
use crate::private_file::{self, Existing, PrivateFile};

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub file: PathBuf,
    /// How many rows, badges, cards or forms it has; of a document nothing.
    pub count: Option<i64>,
}

/// Writes a file by what writes to a place: it's there when it's whole, with its folder's readers.
///
/// # Errors
/// Where there's such a file already, or it can't be written.
pub async fn into_file<T>(to: &Path, write: impl AsyncFnOnce(&Path) -> Result<T>) -> Result<T> {
    let file = to.display().to_string();
    let wrong = |why: private_file::Unwritten| ReportError::File {
        file: file.clone(),
        why: why.to_string(),
    };
    let part = PrivateFile::begin(to, Existing::Keep).map_err(wrong)?;
    let place = part.path().display().to_string();
    let written = write(part.path()).await.map_err(|error| match error {
        // By the name that it was to have.
        ReportError::File { file: at, why } if at == place => {
            ReportError::File { file: file.clone(), why }
        }
        other => other,
    })?;
    part.finish(Existing::Keep).map_err(wrong)?;
    Ok(written)
}

/// Writes all of it into a folder: tables of the day asked for; each summary, where no day is given, of the day by which it's
/// handed in. What only the inspection group sees is left out unless `inspects`.
///
/// # Errors
/// Where the record can't be read, or a file can't be written.
pub async fn write_all(
    store: &Store,
    asked: &Asked,
    (templates, press): (&Templates, &Press),
    folder: &Path,
    inspects: bool,
) -> Result<Vec<Written>> {
    let mut all = Everything { store, asked, templates, press, folder, written: Vec::new() };
    all.make("")?;
    for table in Table::ALL {
        if *table == Table::Discipline && !inspects {
            continue;
        }
        all.table(*table).await?;
    }
    all.documents().await?;
    all.prints().await?;
    Ok(all.written)
}

struct Everything<'e> {
    store: &'e Store,
    asked: &'e Asked,
    templates: &'e Templates,
    press: &'e Press,
    folder: &'e Path,
    written: Vec<Written>,
}

impl Everything<'_> {
    fn make(&self, inner: &str) -> Result<PathBuf> {
        let folder =
            if inner.is_empty() { self.folder.to_owned() } else { self.folder.join(inner) };
        let made = private_file::make_folder(&folder, 0o750);
        made.map_err(|why| ReportError::of_file(&folder, why.kind()))?;
        Ok(folder)
    }

    async fn table(&mut self, table: Table) -> Result<()> {
        let file = self.folder.join(format!("{}.xlsx", table.chinese()));
        let (store, asked) = (self.store, self.asked);
        let count = into_file(&file, async |to| write_table(store, table, asked, to).await).await?;
        self.written.push(Written { file, count: Some(count) });
        Ok(())
    }

    /// Where something of a name is written: beside what was written of another that can be written in the same way.
    fn free(&self, folder: &Path, name: &str, ending: &str) -> PathBuf {
        let is_free = |file: &PathBuf| self.written.iter().all(|written| written.file != *file);
        let name = safe(name);
        let first = folder.join(format!("{name}{ending}"));
        let more = (2..).map(|count| folder.join(format!("{name}（{count}）{ending}")));
        std::iter::once(first.clone()).chain(more).find(is_free).unwrap_or(first)
    }

    /// Of each branch, each unit and village, and of the town.
    async fn documents(&mut self) -> Result<()> {
        let tree = self.store.area_tree().await?;
        let within = self.asked.area.as_deref().and_then(|id| tree.get(id));
        let of_town = within.is_none_or(|area| area.kind <= AreaKind::Town) && !self.asked.own;
        for branch in self.asked.of_kind(&tree, AreaKind::Branch) {
            let name = tree.distinct_name(&branch);
            self.document(Document::BranchSummary, self.asked.of(&branch.id), &name).await?;
        }
        for village in self.asked.of_kind(&tree, AreaKind::Village) {
            let name = tree.distinct_name(&village);
            for document in [Document::UnitReport, Document::SelfCheck, Document::LookBack] {
                self.document(document, self.asked.of(&village.id), &name).await?;
            }
        }
        let has_any = |of: &AreaHolds| of.subjects > 0 || of.issues > 0;
        for area in self.with_own(&tree, has_any).await? {
            let asked = self.asked.of_own(&area.id);
            let name = asked.called(&tree.distinct_name(&area));
            self.document(Document::UnitReport, asked, &name).await?;
        }
        if of_town {
            let units: std::collections::BTreeSet<String> =
                self.store.campaign().departments.values().cloned().collect();
            for unit in units {
                let asked = Asked { unit: Some(unit.clone()), ..self.asked.clone() };
                self.document(Document::UnitReport, asked, &unit).await?;
            }
            let town = tree.find(&self.store.campaign().town).ok();
            let (id, name) = town.map_or((None, "镇"), |town| (Some(town.id.clone()), &town.name));
            let asked = Asked { area: id, ..self.asked.clone() };
            self.document(Document::TownSummary, asked, name).await?;
        }
        Ok(())
    }

    /// The areas above the villages in which something of that sort lies that is in no village.
    async fn with_own(
        &self,
        tree: &AreaTree,
        is_of: impl Fn(&AreaHolds) -> bool,
    ) -> Result<Vec<Area>> {
        let held = self.store.held_by_areas().await?;
        let has_own = |area: &&Area| {
            let own = held.iter().find(|of| of.area_id == area.id);
            area.kind < AreaKind::Village && own.is_some_and(&is_of)
        };
        let areas = self.asked.areas(tree);
        Ok(areas.iter().filter_map(|id| tree.get(id)).filter(has_own).cloned().collect())
    }

    async fn document(&mut self, document: Document, asked: Asked, name: &str) -> Result<()> {
        let phase = match document {
            Document::BranchSummary => PhaseName::Classify,
            Document::UnitReport => PhaseName::Resolve,
            Document::SelfCheck | Document::LookBack | Document::TownSummary => PhaseName::Feedback,
        };
        let asked = Asked { phase: asked.phase.or(Some(phase)), ..asked };
        let folder = self.make(document.chinese())?;
        let file = self.free(&folder, name, &format!("{}.docx", document.chinese()));
        let (store, templates) = (self.store, self.templates);
        let write = async |to: &Path| write_document(store, document, &asked, templates, to).await;
        into_file(&file, write).await?;
        self.written.push(Written { file, count: None });
        Ok(())
    }

    /// Badges and the leaflet; cards and forms for each village.
    async fn prints(&mut self) -> Result<()> {
        let folder = self.make("印制")?;
        for print in [Print::Badges, Print::Leaflet] {
            self.print(print, self.asked.clone(), folder.join(format!("{print}.html"))).await?;
        }
        let tree = self.store.area_tree().await?;
        for print in [Print::Cards, Print::Forms] {
            let folder = self.make(&format!("印制/{print}"))?;
            for village in self.asked.of_kind(&tree, AreaKind::Village) {
                let file = self.free(&folder, &tree.distinct_name(&village), ".html");
                self.print(print, self.asked.of(&village.id), file).await?;
            }
            for area in self.with_own(&tree, |of| of.subjects > 0).await? {
                let asked = self.asked.of_own(&area.id);
                let name = asked.called(&tree.distinct_name(&area));
                let file = self.free(&folder, &name, ".html");
                self.print(print, asked, file).await?;
            }
        }
        Ok(())
    }

    async fn print(&mut self, print: Print, asked: Asked, file: PathBuf) -> Result<()> {
        let (store, with) = (self.store, (self.templates, self.press));
        let write = async |to: &Path| write_print(store, print, &asked, with, to).await;
        let printed = into_file(&file, write).await?;
        self.written.push(Written { file, count: i64::try_from(printed.count).ok() });
        Ok(())
    }
}

/// A name as a file may have it.
pub fn safe(name: &str) -> String {
    let plain = |c: &char| !c.is_control() && !"/\\<>:\"|?*".contains(*c);
    name.chars().filter(plain).take(60).collect()
}
