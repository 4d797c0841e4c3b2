"""What the demo's assets are: types with their attributes, and models that are really sold."""

from webapp.seed import buildings, desks, networks

KINDS = (*desks.KINDS, *networks.KINDS, *buildings.KINDS)
ROOMS = (
    "Reception",
    "Comms room 1",
    "Comms room 2",
    "Plant room",
    "East wing",
    "West wing",
    "First floor",
    "Second floor",
    "Third floor",
    "Loading bay",
    "Meeting room A",
    "Meeting room B",
    "Canteen",
    "Archive",
    "Workshop",
    "Roof",
)
# How many of what a client has depends on what it does: more of these, by the name's first word.
LEANS = {
    "Aurora": ("Lift", "HVAC unit", "Fire extinguisher"),
    "Bluewater": ("Van", "Forklift", "Meter"),
    "Cedar": ("Laptop", "Monitor", "Printer"),
    "Delgado": ("Van", "Forklift", "Phone"),
    "Elmstone": ("Laptop", "Access point", "Fire extinguisher"),
    "Fernhill": ("Boiler", "Lift", "Meter"),
    "Granada": ("Forklift", "HVAC unit", "Van"),
    "Harbour": ("Laptop", "Monitor", "Server"),
    "Iberia": ("Forklift", "HVAC unit", "Printer"),
    "Juniper": ("Meter", "Van", "UPS"),
    "Kestrel": ("Switch", "Access point", "Van"),
    "Lusitano": ("HVAC unit", "Lift", "Fire extinguisher"),
}
