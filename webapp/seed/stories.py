"""What goes wrong and what is asked for in the demo: subjects, words of both sides, how it ends."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """A kind of ticket. ``{room}``, ``{tag}``, ``{asset}`` and ``{first}`` are filled in.

    ``about`` are types of assets (none: of no asset); ``minutes`` is what the work takes at least and at most.
    """

    team: str
    subjects: tuple[str, ...]
    says: tuple[str, ...]
    finds: tuple[str, ...]
    ends: tuple[str, ...]
    tags: tuple[str, ...]
    about: tuple[str, ...] = ()
    kind: str = "incident"
    impact: str = "low"
    urgency: str = "medium"
    weight: int = 10
    minutes: tuple[int, int] = (10, 60)


DESK, FIELD, NETWORK, BUILDING = "Service desk", "Field service", "Networks", "Building services"

STORIES = (
    Story(
        team=DESK,
        about=("Laptop",),
        weight=30,
        subjects=(
            "Laptop does not start since this morning",
            "{asset} stays black after the update",
            "Laptop shuts down without warning",
            "Keyboard of my laptop types twice",
        ),
        says=(
            "Hello,\n\nmy laptop ({tag}) worked yesterday. Today the light blinks three times, and that is all.",
            "Since the update last night the screen stays black. The fan runs.",
            "It happens about **twice a day**, mostly in meetings. The battery shows 60 % right before.",
            "I spilled nothing on it, honestly. It began on Monday.",
        ),
        finds=(
            "Memory test fails on bank 2. Spare is in stock.",
            "BIOS was three versions behind; updated, runs since.",
            "Battery has 38 % of its capacity left. Vendor replaces it under warranty.",
        ),
        ends=(
            "Memory replaced, tested over night.",
            "Firmware updated; the fault has not come back.",
            "Battery replaced under warranty.",
            "Keyboard replaced.",
        ),
        tags=("hardware", "laptop"),
        minutes=(20, 120),
    ),
    Story(
        team=DESK,
        weight=34,
        kind="request",
        subjects=(
            "Access to the shared folder for {first}",
            "New starter on Monday: account, mail and phone",
            "Please add me to the mailing list of the {room}",
            "Password reset for the booking system",
        ),
        says=(
            "Could you please set this up until the end of the week? My manager has agreed, see below.",
            "We have somebody new in the {room}. The usual set, please: account, mail, phone.",
            "I miss all announcements otherwise. Thank you!",
            "I cannot sign in any more since I came back from leave.",
        ),
        finds=(
            "Approval of the manager is missing, asked for it.",
            "Same set as the colleague next to them.",
        ),
        ends=(
            "Access given and confirmed by the requester.",
            "Account made, first sign-in done together on the phone.",
            "Added to the list; the last three messages were sent on.",
            "Password reset; the person signed in while on the line.",
        ),
        tags=("access", "account"),
        minutes=(5, 25),
    ),
    Story(
        team=DESK,
        about=("Printer",),
        weight=22,
        subjects=(
            "Printer in the {room} jams",
            "{tag} prints blank pages",
            "Streaks on every page from {asset}",
            "Scan to mail does not work",
        ),
        says=(
            "Every third page jams in the back. We tried other paper.",
            "It prints, but the pages stay white since the new cartridge.",
            "It says *replace drum* and prints grey stripes.",
            "Scanning worked last week. Now it says “server not found”.",
        ),
        finds=(
            "Pick-up roller is worn, ordered two.",
            "The mail relay's certificate was renewed; the printer does not trust the new one.",
        ),
        ends=(
            "Roller replaced, 200 pages without a jam.",
            "The strip was still on the cartridge; prints again.",
            "Drum replaced.",
            "New certificate imported; scanning works.",
        ),
        tags=("printing",),
        minutes=(15, 70),
    ),
    Story(
        team=NETWORK,
        about=("Access point", "Switch"),
        weight=20,
        impact="medium",
        subjects=(
            "No Wi-Fi in the {room}",
            "Wi-Fi drops every few minutes in the {room}",
            "Network sockets in the {room} are dead",
            "{tag} unreachable",
        ),
        says=(
            "Nobody in the {room} has a connection. About twelve people work over their phones.",
            "Calls break off when I walk from my desk to the {room}.",
            "The lamps at the phones are off, and no computer gets a connection.",
            "Monitoring: `{tag}` does not answer since 4 minutes.",
        ),
        finds=(
            "The port shows 40,000 CRC errors since yesterday: cable.",
            "Channel plan clashes with the neighbours above. Moved to 44.",
            "Power budget of the switch was exceeded by the new phones.",
        ),
        ends=(
            "Access point updated and restarted.",
            "Channels planned anew; measured in all corners.",
            "Patch cable replaced, no errors since.",
            "Power supply replaced.",
        ),
        tags=("network", "wifi"),
        minutes=(20, 150),
    ),
    Story(
        team=NETWORK,
        about=("Server", "UPS"),
        weight=18,
        impact="high",
        urgency="high",
        subjects=(
            "{tag} is down",
            "Battery alarm of {tag}",
            "Disk failed in {asset}",
            "Backup of {tag} failed twice",
        ),
        says=(
            "Monitoring: `{tag}` has been down for 3 minutes.\n\n```\nping: 100% packet loss\nipmi: power good\n```",
            "Monitoring: battery of `{tag}` below 30 %.",
            "Monitoring: RAID degraded, slot 4.",
            "Monitoring: the nightly backup of `{tag}` failed, the second time in a row.",
        ),
        finds=(
            "Kernel panic after the night's update; rolled back.",
            "Disk is on its way, four-hour contract. **Do not pull slot 5.**",
            "Tape library hung; power cycled it.",
        ),
        ends=(
            "Rolled back; update held until the vendor fixes it.",
            "Batteries replaced and tested under load.",
            "Disk replaced, rebuild finished over night.",
            "Tape library updated; last night's backup is complete.",
        ),
        tags=("monitoring", "server"),
        minutes=(30, 240),
    ),
    Story(
        team=BUILDING,
        about=("HVAC unit", "Boiler"),
        weight=18,
        impact="medium",
        subjects=(
            "Too cold in the {room}",
            "{asset} leaks water",
            "Strange noise from the ventilation in the {room}",
            "No hot water",
        ),
        says=(
            "It has 16 degrees in here since the weekend. People wear coats.",
            "Water drips from the ceiling next to the window. We put a bucket.",
            "It rattles every morning between eight and nine.",
            "Only cold water since this morning, in all bathrooms.",
        ),
        finds=(
            "Valve is stuck half open. Part ordered, three days.",
            "Condensate drain was blocked.",
        ),
        ends=(
            "Valve replaced, 21 degrees since noon.",
            "Drain cleaned, tray dried. Looked again a day later: dry.",
            "Bearing greased; replace it with the next service.",
            "Ignition of the burner replaced.",
        ),
        tags=("climate",),
        minutes=(40, 240),
    ),
    Story(
        team=BUILDING,
        about=("Lift",),
        weight=9,
        impact="high",
        urgency="high",
        subjects=(
            "Lift stands between two floors",
            "Lift {tag} out of order",
            "Lift doors do not close",
        ),
        says=(
            "The lift stands, nobody is inside. The stairs are the only way up.",
            "It does not move; the display shows 47.",
            "The doors open and close all the time.",
        ),
        finds=(
            "Door sensor dirty again, third time this year.",
            "Called the lift company, 90 minutes.",
        ),
        ends=(
            "Safety chain reset, all floors checked.",
            "Lift company replaced the door drive.",
            "Sensor cleaned and aligned.",
        ),
        tags=("lift", "safety"),
        minutes=(30, 180),
    ),
    Story(
        team=FIELD,
        about=("Van", "Forklift"),
        weight=12,
        subjects=(
            "Warning light in van {tag}",
            "Forklift {tag} lifts slowly",
            "Flat tyre, {tag}",
            "{tag}: MOT due this month",
        ),
        says=(
            "The orange light is on since this morning. It drives normally.",
            "With more than 800 kg it needs half a minute to the second shelf.",
            "Standing in the yard with a flat tyre at the front left.",
            "The sticker says this month. Please book a slot.",
        ),
        finds=("Hydraulic oil low, looks for the leak.", "Garage has a slot tomorrow at nine."),
        ends=(
            "Sensor replaced.",
            "Oil topped up, seal replaced.",
            "Tyre replaced.",
            "Passed the inspection.",
        ),
        tags=("fleet",),
        minutes=(20, 120),
    ),
    Story(
        team=FIELD,
        about=("Meter", "Fire extinguisher"),
        weight=12,
        kind="maintenance",
        urgency="low",
        subjects=(
            "Yearly inspection of {tag}",
            "Reading of {tag} is missing",
            "Calibration of {asset} due",
        ),
        says=(
            "Planned for this month. Please agree on a time with the client.",
            "The reading of last month is missing; the provider estimates otherwise.",
            "The certificate ends next month.",
        ),
        finds=("Nobody was there; new date agreed.", "Seal is intact, pressure fine."),
        ends=(
            "Inspected, label renewed.",
            "Read on site and passed on.",
            "Calibrated, certificate filed.",
        ),
        tags=("inspection",),
        minutes=(15, 60),
    ),
    Story(
        team=DESK,
        about=("Monitor",),
        weight=8,
        kind="request",
        urgency="low",
        subjects=("Second screen for {first}", "Screen flickers"),
        says=(
            "I work with two spreadsheets all day and would be glad about a second screen.",
            "It flickers for the first ten minutes, then it is fine.",
        ),
        finds=("Two in stock on site.",),
        ends=("Handed out and signed for.", "Replaced from stock."),
        tags=("hardware",),
        minutes=(10, 40),
    ),
    Story(
        team=DESK,
        about=("Phone",),
        weight=8,
        urgency="low",
        subjects=("Phone {tag} does not charge any more", "New phone for the on-call team"),
        says=(
            "It charges only when I hold the cable in a certain way.",
            "The on-call team shares one phone, and it is worn out.",
        ),
        finds=("Charging port is full of lint.",),
        ends=("Port cleaned, charges again.", "Handed out and signed for."),
        tags=("hardware", "phone"),
        minutes=(10, 40),
    ),
    Story(
        team=DESK,
        weight=16,
        impact="medium",
        subjects=(
            "Mail from a supplier does not arrive",
            "Suspicious mail asks for a payment",
            "Calendar shows meetings one hour late",
            "Teams calls without sound",
        ),
        says=(
            "They sent it three times. I see nothing, not in the junk either.",
            "Is this real?\n\n> Dear colleague,\n> please use the new account from now on.\n> It is urgent.",
            "All my meetings are one hour late since Sunday.",
            "They see me talk, and nobody hears anything.",
        ),
        finds=(
            "Phishing. Took it out of 14 mailboxes, blocked the sender. **Nobody clicked.**",
            "Time zone of the account was set to UTC.",
            "The supplier's SPF record is broken; told them.",
        ),
        ends=(
            "Supplier mended their record; mail arrives.",
            "Blocked and removed; told everybody in the company.",
            "Time zone set; meetings are right again.",
            "Another microphone was chosen; the headset works.",
        ),
        tags=("mail",),
        minutes=(10, 60),
    ),
)

ASKS = (
    "Thank you for writing. Since when does it happen, and does it happen to others, too?",
    "I have a look at it right now. Which room are you in?",
    "Could you send us a photo of what you see?",
    "We would come by today between two and four. Does that suit you?",
    "I have ordered the part. I write again as soon as it is here.",
)
ANSWERS = (
    "Since this morning, and only here as far as I know.",
    "That suits me, thank you!",
    "I am in the {room}, next to the window.",
    "Photo attached. Tell me if you need more.\n\nOn the phone I am at extension 214.",
    "Any news? I have a presentation tomorrow.",
    "It works again since an hour ago, but I do not trust it.",
)
CLOSINGS = (
    "It is done: {end} Please tell us if it happens again.",
    "{end} Thank you for your patience!",
    "Hello {first}, {end} We close this in a week unless we hear from you.",
)
THANKS = ("Works, thank you very much!", "Perfect, thanks.", "Great, that was quick.")
HANDOVERS = (
    "Handed over to the late shift: the part arrives at five.",
    "On leave from tomorrow; all is said above.",
    "Needs somebody on site.",
)
REASONS = (
    "The managing director is affected",
    "Many people ask for it",
    "There is a workaround until next week",
)
TEAMS = {
    DESK: "First answer to everything: accounts, laptops, phones, printers.",
    NETWORK: "Networks, servers, backups.",
    BUILDING: "Heating, ventilation, lifts.",
    FIELD: "Whoever drives to the client: vehicles, meters, inspections.",
}
