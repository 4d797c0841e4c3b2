"""What the demo's assets are: types with their attributes, and models that are really sold."""

from dataclasses import dataclass, field
from typing import Any


def _attribute(key: str, label: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"key": key, "label": label, "kind": kind, **more}


@dataclass(frozen=True, kw_only=True, slots=True)
class Make:
    """A model: its maker's name, price, how its serial numbers look, and the attributes it always has.

    In a serial ``#`` is a digit, ``@`` a letter or digit, and ``{yw}`` the year and week of its making.
    """

    maker: str
    model: str
    cost: int
    serial: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A type of asset: how many there are of it, how they are tagged and named, and how long they are covered."""

    name: str
    tag: str
    count: int
    about: str
    attributes: tuple[dict[str, Any], ...]
    makes: tuple[Make, ...]
    title: str = "{model}"
    years: int = 3  # of warranty
    handed_out: bool = False
    work: tuple[str, ...] = ()  # projects that bring it
    varies: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    rooms: tuple[str, ...] = ()  # else any


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
MAC = _attribute("mac", "MAC address", unique=True)
HOST = _attribute("hostname", "Host name")

KINDS = (
    Kind(
        name="Laptop",
        tag="LT",
        count=430,
        about="Portable computers of people.",
        handed_out=True,
        work=("Laptop rollout", "Service desk"),
        attributes=(
            _attribute("processor", "Processor"),
            _attribute("memory", "Memory", "number", unit="GB"),
            _attribute("storage", "Storage", "number", unit="GB"),
            _attribute(
                "system",
                "Operating system",
                "choice",
                choices=("Windows 11 Pro", "macOS 15", "Ubuntu 24.04 LTS"),
            ),
            _attribute("encrypted", "Disk encrypted", "yesno"),
            MAC,
        ),
        varies={"storage": (256, 512, 512, 1024), "encrypted": (True, True, True, False)},
        makes=(
            Make(
                maker="Dell",
                model="Latitude 7440",
                cost=1489,
                serial="@@@@@@3",
                facts={"processor": "Core i5-1345U", "memory": 16, "system": "Windows 11 Pro"},
            ),
            Make(
                maker="Dell",
                model="Latitude 5540",
                cost=1195,
                serial="@@@@@@3",
                facts={"processor": "Core i5-1335U", "memory": 16, "system": "Windows 11 Pro"},
            ),
            Make(
                maker="Lenovo",
                model="ThinkPad T14 Gen 4",
                cost=1399,
                serial="PF4@@@@@",
                facts={"processor": "Core i7-1355U", "memory": 32, "system": "Windows 11 Pro"},
            ),
            Make(
                maker="HP",
                model="EliteBook 840 G10",
                cost=1429,
                serial="5CG3###@@@",
                facts={"processor": "Core i5-1340P", "memory": 16, "system": "Windows 11 Pro"},
            ),
            Make(
                maker="Apple",
                model="MacBook Pro 14 M3",
                cost=2029,
                serial="@@@@@@@@@@",
                facts={"processor": "Apple M3", "memory": 16, "system": "macOS 15"},
            ),
            Make(
                maker="Framework",
                model="Laptop 13 AMD Ryzen 7040",
                cost=1340,
                serial="FRANDACP##########",
                facts={"processor": "Ryzen 7 7840U", "memory": 32, "system": "Ubuntu 24.04 LTS"},
            ),
        ),
    ),
    Kind(
        name="Monitor",
        tag="MN",
        count=380,
        about="Screens on desks and in meeting rooms.",
        handed_out=True,
        work=("Laptop rollout", "Meeting rooms", "Office move"),
        attributes=(
            _attribute("diagonal", "Diagonal", "number", unit="in"),
            _attribute("resolution", "Resolution"),
            _attribute("usb_c", "USB-C", "yesno"),
        ),
        makes=(
            Make(
                maker="Dell",
                model="UltraSharp U2723QE",
                cost=519,
                serial="CN0@@@@@#####",
                facts={"diagonal": 27, "resolution": "3840 x 2160", "usb_c": True},
            ),
            Make(
                maker="LG",
                model="27UP850N-W",
                cost=389,
                serial="3##NT@@@#####",
                facts={"diagonal": 27, "resolution": "3840 x 2160", "usb_c": True},
            ),
            Make(
                maker="Philips",
                model="243B1",
                cost=229,
                serial="UHB{yw}#####",
                facts={"diagonal": 23.8, "resolution": "1920 x 1080", "usb_c": True},
            ),
            Make(
                maker="Iiyama",
                model="ProLite XUB2792UHSU",
                cost=299,
                serial="1171######",
                facts={"diagonal": 27, "resolution": "3840 x 2160", "usb_c": False},
            ),
        ),
    ),
    Kind(
        name="Phone",
        tag="PH",
        count=210,
        about="Mobile phones with a contract.",
        handed_out=True,
        years=2,
        work=("Telephony", "Service desk"),
        attributes=(
            _attribute("imei", "IMEI", unique=True),
            _attribute("storage", "Storage", "number", unit="GB"),
            _attribute("contract_ends", "Contract ends", "date"),
        ),
        varies={"storage": (128, 128, 256)},
        makes=(
            Make(maker="Apple", model="iPhone 15", cost=849, serial="@@@@@@@@@@"),
            Make(maker="Samsung", model="Galaxy A55 5G", cost=429, serial="R5CX@@@@@@@"),
            Make(maker="Google", model="Pixel 8a", cost=499, serial="3###1FDJH@@@@@"),
            Make(maker="Fairphone", model="Fairphone 5", cost=699, serial="F5######"),
        ),
    ),
    Kind(
        name="Rack",
        tag="RK",
        count=24,
        about="Cabinets that hold servers and switches.",
        years=5,
        title="Rack, {room}",
        rooms=("Comms room 1", "Comms room 2", "Server room"),
        work=("Network refresh",),
        attributes=(_attribute("units", "Height", "number", unit="U", required=True),),
        makes=(
            Make(
                maker="APC",
                model="NetShelter SX AR3100",
                cost=1650,
                serial="5A{yw}T#####",
                facts={"units": 42},
            ),
            Make(
                maker="Rittal",
                model="TS IT 5528.130",
                cost=1420,
                serial="##########",
                facts={"units": 42},
            ),
            Make(
                maker="Schneider Electric",
                model="NetShelter WX AR112",
                cost=690,
                serial="5A{yw}T#####",
                facts={"units": 12},
            ),
        ),
    ),
    Kind(
        name="Server",
        tag="SV",
        count=96,
        about="Machines in racks.",
        years=5,
        title="{hostname}",
        work=("Backup review", "Network refresh"),
        attributes=(
            HOST,
            _attribute("processor", "Processor"),
            _attribute("memory", "Memory", "number", unit="GB"),
            _attribute("unit", "Rack unit", "number"),
        ),
        varies={"memory": (64, 128, 256, 512)},
        makes=(
            Make(
                maker="Dell",
                model="PowerEdge R660",
                cost=7890,
                serial="@@@@@@4",
                facts={"processor": "2x Xeon Gold 5418Y"},
            ),
            Make(
                maker="HPE",
                model="ProLiant DL360 Gen11",
                cost=8240,
                serial="CZJ3####@@",
                facts={"processor": "2x Xeon Silver 4410Y"},
            ),
            Make(
                maker="Lenovo",
                model="ThinkSystem SR630 V3",
                cost=7350,
                serial="J30@@@@@",
                facts={"processor": "Xeon Silver 4416+"},
            ),
            Make(
                maker="Supermicro",
                model="SYS-111C-NR",
                cost=5120,
                serial="S######X3######",
                facts={"processor": "Xeon Bronze 3408U"},
            ),
        ),
    ),
    Kind(
        name="Switch",
        tag="SW",
        count=120,
        about="Network switches.",
        years=5,
        title="{hostname}",
        work=("Network refresh", "Office move"),
        attributes=(
            HOST,
            MAC,
            _attribute("ports", "Ports", "number"),
            _attribute("poe", "Power over Ethernet", "yesno"),
            _attribute("unit", "Rack unit", "number"),
        ),
        makes=(
            Make(
                maker="Cisco",
                model="Catalyst 9200L-48P-4G",
                cost=3290,
                serial="FOC{yw}@@@@",
                facts={"ports": 48, "poe": True},
            ),
            Make(
                maker="Cisco",
                model="Catalyst 9200L-24T-4G",
                cost=1690,
                serial="FOC{yw}@@@@",
                facts={"ports": 24, "poe": False},
            ),
            Make(
                maker="HPE Aruba",
                model="CX 6100 48G JL675A",
                cost=2110,
                serial="VN#####@@@",
                facts={"ports": 48, "poe": True},
            ),
            Make(
                maker="Juniper",
                model="EX2300-24P",
                cost=1850,
                serial="HW##########",
                facts={"ports": 24, "poe": True},
            ),
        ),
    ),
    Kind(
        name="Access point",
        tag="AP",
        count=190,
        about="Wireless access points.",
        years=3,
        title="AP {room}",
        work=("Wi-Fi survey", "Network refresh"),
        attributes=(
            MAC,
            _attribute(
                "standard", "Standard", "choice", choices=("Wi-Fi 6", "Wi-Fi 6E", "Wi-Fi 7")
            ),
        ),
        makes=(
            Make(
                maker="Cisco",
                model="Catalyst 9136I",
                cost=1290,
                serial="FGL{yw}L@@@",
                facts={"standard": "Wi-Fi 6E"},
            ),
            Make(
                maker="Ubiquiti",
                model="UniFi U7 Pro",
                cost=189,
                serial="28704E@@@@@@",
                facts={"standard": "Wi-Fi 7"},
            ),
            Make(
                maker="HPE Aruba",
                model="AP-515",
                cost=745,
                serial="CNK##@@@@@",
                facts={"standard": "Wi-Fi 6"},
            ),
        ),
    ),
    Kind(
        name="UPS",
        tag="UP",
        count=60,
        about="Uninterruptible power supplies; batteries last about four years.",
        years=3,
        title="UPS, {room}",
        rooms=("Comms room 1", "Comms room 2", "Server room", "Archive"),
        work=("Backup review",),
        attributes=(
            _attribute("power", "Power", "number", unit="VA"),
            _attribute("battery_changed", "Battery changed on", "date"),
            _attribute("unit", "Rack unit", "number"),
        ),
        makes=(
            Make(
                maker="APC",
                model="Smart-UPS 1500 SMT1500RMI2UC",
                cost=980,
                serial="AS{yw}######",
                facts={"power": 1500},
            ),
            Make(
                maker="APC",
                model="Smart-UPS 3000 SMT3000RMI2UC",
                cost=1940,
                serial="AS{yw}######",
                facts={"power": 3000},
            ),
            Make(
                maker="Eaton",
                model="5P 1550iR",
                cost=1060,
                serial="G###@#####",
                facts={"power": 1550},
            ),
        ),
    ),
    Kind(
        name="Printer",
        tag="PR",
        count=110,
        about="Printers and multifunction devices.",
        title="Printer, {room}",
        work=("Print fleet",),
        attributes=(
            _attribute("colour", "Colour", "yesno"),
            _attribute("format", "Largest paper", "choice", choices=("A4", "A3")),
            _attribute("page", "Web page", "link"),
        ),
        makes=(
            Make(
                maker="HP",
                model="LaserJet Enterprise M612dn",
                cost=1240,
                serial="VNB3@#####",
                facts={"colour": False, "format": "A4", "page": "https://support.hp.com/"},
            ),
            Make(
                maker="Brother",
                model="MFC-L9670CDN",
                cost=899,
                serial="E8#######@#####",
                facts={"colour": True, "format": "A4"},
            ),
            Make(
                maker="Ricoh",
                model="IM C3010",
                cost=4150,
                serial="3#3#M######",
                facts={"colour": True, "format": "A3"},
            ),
            Make(
                maker="Kyocera",
                model="TASKalfa 3554ci",
                cost=4390,
                serial="R9N#######",
                facts={"colour": True, "format": "A3"},
            ),
        ),
    ),
    Kind(
        name="HVAC unit",
        tag="AC",
        count=90,
        about="Heating, ventilation and air conditioning.",
        years=5,
        title="Air conditioning, {room}",
        rooms=("Roof", "East wing", "West wing", "Server room", "Canteen"),
        work=("Office move",),
        attributes=(
            _attribute("capacity", "Cooling capacity", "number", unit="kW"),
            _attribute("refrigerant", "Refrigerant", "choice", choices=("R-32", "R-410A", "R-290")),
            _attribute("charge", "Refrigerant charge", "number", unit="kg"),
        ),
        makes=(
            Make(
                maker="Daikin",
                model="VRV 5 RXYA8A",
                cost=9800,
                serial="E0#####",
                facts={"capacity": 22.4, "refrigerant": "R-32", "charge": 7.9},
            ),
            Make(
                maker="Mitsubishi Electric",
                model="City Multi PUHY-P250YNW",
                cost=11200,
                serial="##W#####",
                facts={"capacity": 28, "refrigerant": "R-410A", "charge": 8},
            ),
            Make(
                maker="Daikin",
                model="Perfera FTXM35R",
                cost=1250,
                serial="J0#####",
                facts={"capacity": 3.4, "refrigerant": "R-32", "charge": 0.76},
            ),
        ),
    ),
    Kind(
        name="Boiler",
        tag="BL",
        count=36,
        about="Heat and hot water; inspected each year.",
        years=5,
        title="Boiler, {room}",
        rooms=("Plant room", "Cellar"),
        attributes=(
            _attribute("output", "Output", "number", unit="kW"),
            _attribute("fuel", "Fuel", "choice", choices=("Natural gas", "Oil", "Pellets")),
            _attribute("inspected_on", "Last inspected", "date"),
        ),
        makes=(
            Make(
                maker="Viessmann",
                model="Vitodens 200-W B2HA",
                cost=5400,
                serial="75########",
                facts={"output": 80, "fuel": "Natural gas"},
            ),
            Make(
                maker="Bosch",
                model="Condens 7000 WP",
                cost=4850,
                serial="7736######",
                facts={"output": 70, "fuel": "Natural gas"},
            ),
            Make(
                maker="Froling",
                model="T4e 100",
                cost=31500,
                serial="FR#######",
                facts={"output": 100, "fuel": "Pellets"},
            ),
        ),
    ),
    Kind(
        name="Lift",
        tag="LI",
        count=28,
        about="Passenger and goods lifts, with their number of registration.",
        years=2,
        title="Lift, {room}",
        rooms=("East wing", "West wing", "Loading bay", "Main stairs"),
        attributes=(
            _attribute("registration", "Registration", required=True, unique=True),
            _attribute("load", "Rated load", "number", unit="kg"),
            _attribute("stops", "Stops", "number"),
        ),
        varies={"stops": (3, 4, 5, 6, 8)},
        makes=(
            Make(
                maker="KONE",
                model="MonoSpace 500 DX",
                cost=48500,
                serial="4########",
                facts={"load": 630},
            ),
            Make(
                maker="Otis", model="Gen3 Core", cost=45200, serial="NE######", facts={"load": 630}
            ),
            Make(
                maker="Schindler",
                model="3000 Plus",
                cost=46900,
                serial="10######",
                facts={"load": 1000},
            ),
        ),
    ),
    Kind(
        name="Van",
        tag="VN",
        count=46,
        about="Vans and cars of the fleet.",
        handed_out=True,
        years=3,
        title="{model} {plate}",
        attributes=(
            _attribute("plate", "Plate", required=True, unique=True),
            _attribute(
                "fuel",
                "Drive",
                "choice",
                required=True,
                choices=("Diesel", "Petrol", "Electric", "Hybrid"),
            ),
            _attribute("inspection_due", "Inspection due", "date"),
        ),
        makes=(
            Make(
                maker="Ford",
                model="E-Transit 350",
                cost=48900,
                serial="WF0EXXTTRENB#####",
                facts={"fuel": "Electric"},
            ),
            Make(
                maker="Renault",
                model="Kangoo Van E-Tech",
                cost=36200,
                serial="VF1RFK00X7#######",
                facts={"fuel": "Electric"},
            ),
            Make(
                maker="Volkswagen",
                model="Transporter T6.1",
                cost=39400,
                serial="WV1ZZZ7HZPH######",
                facts={"fuel": "Diesel"},
            ),
        ),
    ),
    Kind(
        name="Forklift",
        tag="FL",
        count=30,
        about="Trucks of warehouses; drivers need a licence.",
        years=2,
        title="{model}, {room}",
        rooms=("Loading bay", "Hall 1", "Hall 2", "Yard"),
        attributes=(
            _attribute("capacity", "Capacity", "number", unit="kg", required=True),
            _attribute("hours", "Hours of operation", "number", unit="h"),
        ),
        varies={"hours": (210, 640, 1180, 2450, 4020)},
        makes=(
            Make(
                maker="Linde",
                model="E20 PH",
                cost=31900,
                serial="H2X386@#####",
                facts={"capacity": 2000},
            ),
            Make(
                maker="Toyota",
                model="Traigo 48 8FBE15T",
                cost=27600,
                serial="8FBE15T#####",
                facts={"capacity": 1500},
            ),
            Make(
                maker="Jungheinrich",
                model="EFG 220",
                cost=29800,
                serial="FN######",
                facts={"capacity": 2000},
            ),
        ),
    ),
    Kind(
        name="Fire extinguisher",
        tag="FE",
        count=100,
        about="Checked each year, replaced after ten.",
        years=5,
        title="Fire extinguisher, {room}",
        attributes=(
            _attribute(
                "agent",
                "Agent",
                "choice",
                required=True,
                choices=("Powder", "Foam", "CO2", "Water mist"),
            ),
            _attribute("content", "Content", "number", unit="kg"),
            _attribute("checked_on", "Checked on", "date"),
        ),
        makes=(
            Make(
                maker="Gloria",
                model="PD 6 GA",
                cost=79,
                serial="G{yw}#####",
                facts={"agent": "Powder", "content": 6},
            ),
            Make(
                maker="Minimax",
                model="WS 6 nG",
                cost=95,
                serial="MX#######",
                facts={"agent": "Foam", "content": 6},
            ),
            Make(
                maker="Jockel",
                model="K 5 ASB",
                cost=149,
                serial="JK{yw}####",
                facts={"agent": "CO2", "content": 5},
            ),
        ),
    ),
    Kind(
        name="Meter",
        tag="MT",
        count=50,
        about="Electricity, water, gas and heat meters.",
        years=2,
        title="{medium} meter, {room}",
        rooms=("Plant room", "Cellar", "Roof", "Yard"),
        attributes=(
            _attribute(
                "medium",
                "Medium",
                "choice",
                required=True,
                choices=("Electricity", "Water", "Gas", "Heat"),
            ),
            _attribute("point", "Metering point", unique=True),
            _attribute("calibrated_until", "Calibrated until", "date"),
        ),
        makes=(
            Make(
                maker="Landis+Gyr",
                model="E450",
                cost=165,
                serial="LGZ########",
                facts={"medium": "Electricity"},
            ),
            Make(
                maker="Kamstrup",
                model="MULTICAL 403",
                cost=310,
                serial="KAM########",
                facts={"medium": "Heat"},
            ),
            Make(
                maker="Diehl",
                model="HYDRUS 2.0",
                cost=120,
                serial="DME########",
                facts={"medium": "Water"},
            ),
        ),
    ),
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
