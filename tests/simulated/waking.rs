//! What a media thread is woken for when nothing comes.

use std::time::Duration;

use crate::support::network::Conditions;
use crate::support::room::Room;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn feedback_to_who_is_sent_no_media_leaves_in_turns_that_his_own_begins() {
    let mut room = Room::new(1, Conditions::GOOD, 0);
    room.connect();
    room.world.run(5 * SECOND);
    let publisher = room.world.clients[room.publisher].address;
    let (told, woken) = (room.world.network.sent_to(publisher), room.world.timeouts);
    room.world.run(10 * SECOND);
    let told = room.world.network.sent_to(publisher) - told;
    let woken = room.world.timeouts - woken;
    assert!(told >= 60, "feedback, reports and answers: {told}");
    assert!(woken <= told / 4, "{woken} turns for {told} datagrams");
}
