//! The centre (镇社会治理综合服务中心) is told of something at once, besides the day's digest.

use tracing::warn;

pub use crate::db::Word;
use crate::db::{StoreError, Tx};
use crate::domain::staff::{Holders, Role, StaffMember};

/// Tells all who hold the centre's role in the campaign's town; where nobody does, whoever stands above.
///
/// # Errors
/// Where the record can't be written.
pub async fn tell_centre(tx: &mut Tx, word: &Word) -> Result<(), StoreError> {
    let tree = tx.area_tree().await?;
    let holders = Holders::new(tx.staff().await?);
    let Ok(town) = tree.find(&tx.campaign().town) else {
        warn!(
            event = "remind.no_town",
            "the campaign's town isn't among the areas: nobody is told"
        );
        return Ok(());
    };
    let roles = [Role::Centre, Role::SupervisingLeader, Role::LeadingGroup].into_iter();
    let mut levels = roles.map(|role| holders.holders(&tree, role, &town.id));
    let people: Vec<&StaffMember> = levels.find(|level| !level.is_empty()).unwrap_or_default();
    let mut told = false;
    for person in people {
        told |= tx.tell(person, &word.topic, &word.title, &word.body).await?;
    }
    if !told {
        warn!(
            event = "remind.nobody",
            topic = word.topic,
            "no channel reaches the centre: nobody is told"
        );
    }
    Ok(())
}
