//! A subject that was entered twice (重复): which one stays is said by its number, and it does stay.

use crate::support::{Fixture, on_both};

const STATES: &str = "对象编号,状态,状态日期,状态说明";

on_both!(a_repetition_names_one_that_stays, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let taken = async |rows: &str| {
        let table = format!("{STATES}\n{rows}\n");
        fixture.import("states.csv", &table).await.map(drop).map_err(|error| error.to_string())
    };
    for (rows, why) in [
        ("H1,重复,2022-03-10,与H1重复", "与自己重复"),
        ("H1,重复,2022-03-10,与H77重复", "没有写登记过的对象编号"),
        ("H1,重复,2022-03-10,登记了两次", "没有写登记过的对象编号"),
        ("H1,重复,2022-03-10,与H2重复\nH2,重复,2022-03-10,与H1重复", "自己登记的也是重复"),
    ] {
        let error = taken(rows).await.unwrap_err();
        assert!(error.contains("「状态说明」") && error.contains(why), "{rows}: {error}");
    }
    taken("H1,重复,2022-03-10,与H2（李秀英）是一户").await.unwrap();
    // What stays said is no question again; what is said anew is.
    taken("H1,重复,2022-03-10,与H2（李秀英）是一户").await.unwrap();
    assert!(taken("H1,重复,2022-03-10,与H1").await.unwrap_err().contains("与自己重复"));
    assert!(taken("H2,重复,2022-03-10,与H1重复").await.unwrap_err().contains("也是重复"));
    // It may have moved away since, or be put right in the same table.
    taken("H2,迁出,2022-03-11,").await.unwrap();
    taken("H1,在册,,\nH2,重复,2022-03-10,H1").await.unwrap();
});

on_both!(one_that_comes_in_the_same_table_may_be_named, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    let table = |rows: &str| {
        format!("对象编号,对象类型,对象名称,所属村,地址,状态,状态日期,状态说明\n{rows}\n")
    };
    let both = table(
        "N1,家庭,赵一,高桥村,3号,重复,2022-03-10,与N2重复\nN2,家庭,钱二,高桥村,4号,重复,2022-03-10,N1",
    );
    let error = fixture.import("o.csv", &both).await.unwrap_err().to_string();
    assert!(error.contains("也是重复"), "{error}");
    let one =
        table("N1,家庭,赵一,高桥村,3号,重复,2022-03-10,与N2重复\nN2,家庭,钱二,高桥村,4号,在册,,");
    fixture.import("o.csv", &one).await.unwrap();
});
