mod assign_group;
mod get_user_group;
mod list_group_users;
mod list_user_groups;
mod unassign_group;

use crate::harness::Roster;

/// The path of a user's place in a group.
pub(super) fn path(user: &str, group: &str) -> String {
    format!("{user}/groups/{}", group.rsplit('/').next().unwrap())
}

impl Roster {
    /// Assigns a user to a group. Takes both paths, and returns that of the user's place in the group.
    pub(crate) async fn assign(&self, user: &str, group: &str) -> String {
        let path = path(user, group);
        self.send("POST", &path).await.expect(201);
        path
    }
}
