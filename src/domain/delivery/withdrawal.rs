//! Why what was owed isn't any more.

use crate::words;

words! {
    /// Why an entry isn't owed any more.
    Withdrawal {
        Voided = "voided", "问题已作废";
        Overridden = "overridden", "平台部分已由人认定办结";
        Reclassified = "reclassified", "问题已改由镇村自办";
        Superseded = "superseded", "问题已转入新一轮办理";
    }
}
