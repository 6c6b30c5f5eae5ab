//! Whether a group is one person's own, as many systems make one for each user: then
//! what the group may write, that person alone may write.

use std::fs;

/// Whether nobody but `user` is in `group`, as far as the files of this machine tell.
pub(super) fn is_private(group: u32, user: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    tells_private(&read("/etc/passwd"), &read("/etc/group"), group, user)
}

/// The same of the text of `passwd(5)` and `group(5)`. Whoever is not found there has no
/// group of their own.
fn tells_private(passwd: &str, groups: &str, group: u32, user: u32) -> bool {
    let number = |field: Option<&&str>| field.and_then(|text| text.parse::<u32>().ok());
    let mut own_name = None;
    for row in passwd.lines() {
        let fields: Vec<&str> = row.split(':').collect();
        let is_user = number(fields.get(2)) == Some(user);
        if number(fields.get(3)) == Some(group) {
            match is_user {
                true => own_name = fields.first().copied(),
                false => return false,
            }
        }
    }
    let Some(own_name) = own_name else {
        return false;
    };
    groups.lines().any(|row| {
        let fields: Vec<&str> = row.split(':').collect();
        let members = fields.get(3).copied().unwrap_or_default();
        number(fields.get(2)) == Some(group)
            && fields.first() == Some(&own_name)
            && members
                .split(',')
                .all(|member| member.is_empty() || member == own_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_private_where_nobody_else_is_in_it() {
        let passwd = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n\
                      bob:x:1001:1001::/home/bob:/bin/sh\neve:x:1002:100::/home/eve:/bin/sh\n\
                      mal:x:1003:100::/home/mal:/bin/sh\n";
        let groups = "root:x:0:\nada:x:1000:\nbob:x:1001:bob,eve\nusers:x:100:\nbroken\n";
        for (group, user, private) in [
            (1000, 1000, true),
            (0, 0, true),
            (1001, 1001, false),
            (100, 1002, false),
            (1000, 1001, false),
            (7, 1000, false),
            (1000, 4000, false),
        ] {
            let told = tells_private(passwd, groups, group, user);
            assert_eq!(told, private, "group {group} of user {user}");
        }
    }
}
