//! A long workbook looked through, against openpyxl's read-only mode over the same file, turn about; and how much memory each
//! took. Needs `python3` with `openpyxl`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use zoufang::intake::{Incoming, Options};

use crate::median;
use crate::program::memory_of;

const ROUNDS: usize = 3;

/// Writes a table of visits, as openpyxl writes it.
const WRITE: &str = r#"
import sys, openpyxl
book = openpyxl.Workbook(write_only=True)
sheet = book.create_sheet("走访记录")
sheet.append(["走访日期", "走访人员", "对象编号", "群众姓名", "联系方式", "反映问题", "有无问题"])
for n in range(int(sys.argv[2])):
    asked = n % 4 == 0
    sheet.append(["2022-03-05", f"V{n % 100}", f"H{n}", f"示例{n}", f"{10000000000 + n}", f"示例问题{n}" if asked else None, "有" if asked else "无"])
book.save(sys.argv[1])
"#;

/// Reads each cell of it, and says how long that took and how much memory there was at most, in MiB.
const READ: &str = r#"
import resource, sys, time, openpyxl
began = time.perf_counter()
cells = 0
for row in openpyxl.load_workbook(sys.argv[1], read_only=True).active.iter_rows(values_only=True):
    cells += len(row)
assert cells
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"#;

fn python(script: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("python3").args(["-c", script]).args(arguments).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "python3 with openpyxl is needed: {complaint}");
    Ok(String::from_utf8(output.stdout)?)
}

fn figures(said: &str) -> anyhow::Result<[f64; 2]> {
    let figures: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    anyhow::ensure!(figures.len() == 2, "{said}");
    Ok([figures[0], figures[1]])
}

/// Run in a process of its own: looks the file through, and says the same of it.
pub async fn look_alone(file: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    Incoming::open(Path::new(file), &Options::default()).await?;
    println!("{} {}", began.elapsed().as_secs_f64(), memory_of("self", "VmHWM")?);
    Ok(())
}

/// The table.
pub fn reading(rows: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("visits.xlsx").display().to_string();
    python(WRITE, &[&file, &rows.to_string()])?;
    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), [0.0_f64; 2]);
    for _ in 0..ROUNDS {
        let looked = Command::new(std::env::current_exe()?).args(["look-alone", &file]).output()?;
        let complaint = String::from_utf8_lossy(&looked.stderr);
        anyhow::ensure!(looked.status.success(), "{complaint}");
        let [seconds, most] = figures(&String::from_utf8(looked.stdout)?)?;
        ours.push(rows as f64 / seconds);
        memory[0] = memory[0].max(most);
        let [seconds, most] = figures(&python(READ, &[&file])?)?;
        theirs.push(rows as f64 / seconds);
        memory[1] = memory[1].max(most);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "| rows | looked through, a second | openpyxl read-only, a second | ratio | memory at most | openpyxl's |"
    );
    println!("|---|---|---|---|---|---|");
    println!(
        "| {rows} | {ours:.0} | {theirs:.0} | {:.2} | {:.0} MiB | {:.0} MiB |",
        ours / theirs,
        memory[0],
        memory[1]
    );
    Ok(())
}
