"""Names for the demo: places, clients, pieces of work and people."""

LOCATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Madrid", "Calle de Alcalá 42, 28014 Madrid", ("Head office", "Warehouse Vallecas")),
    ("Lisbon", "Rua do Ouro 110, 1100-063 Lisboa", ("Office Baixa", "Data centre Oeiras")),
    ("Dublin", "12 Harcourt Street, Dublin 2", ("Office Harcourt", "Workshop Sandyford")),
)
CLIENTS = (
    "Aurora Clinics",
    "Bluewater Ferries",
    "Cedar & Finch Architects",
    "Delgado Logistics",
    "Elmstone Schools",
    "Fernhill Housing",
    "Granada Foods",
    "Harbour Insurance",
    "Iberia Textiles",
    "Juniper Energy",
    "Kestrel Airport Services",
    "Lusitano Museums",
)
WORK = (
    "Network refresh",
    "Laptop rollout",
    "Service desk",
    "Wi-Fi survey",
    "Print fleet",
    "Backup review",
    "Office move",
    "Telephony",
    "Access cards",
    "Meeting rooms",
)
FIRST = (
    "Amara",
    "Bruno",
    "Carmen",
    "Declan",
    "Elena",
    "Femi",
    "Greta",
    "Hugo",
    "Inês",
    "Jonas",
    "Katya",
    "Liam",
    "Marta",
    "Niamh",
    "Omar",
    "Priya",
    "Quim",
    "Rosa",
    "Sven",
    "Teresa",
    "Uma",
    "Víctor",
    "Wanda",
    "Xavier",
    "Yusuf",
    "Zofia",
)
LAST = (
    "Almeida",
    "Byrne",
    "Castro",
    "Duarte",
    "Eriksen",
    "Ferreira",
    "García",
    "Hughes",
    "Ibáñez",
    "Jansen",
    "Kowalska",
    "Lopes",
    "Murphy",
    "Navarro",
    "Okafor",
    "Pereira",
    "Quinn",
    "Rahman",
    "Silva",
    "Torres",
)
# Address before the @, name, role, time zone.
ACCOUNTS = (
    ("admin", "Ana Ruiz", "Administrator", "Europe/Madrid"),
    ("lead", "Luis Ortega", "Support lead", "Europe/Madrid"),
    ("agent", "Aoife Brennan", "Support agent", "Europe/Dublin"),
    ("assets", "Mateus Rocha", "Asset manager", "Europe/Lisbon"),
    ("technician", "Tomás Vidal", "Technician", "Europe/Madrid"),
    ("auditor", "Ingrid Solberg", "Auditor", "Europe/Lisbon"),
)
TITLES = ("Support agent", "Support agent", "Technician", "Technician", "Support lead")
REASONS = (
    "Covers a colleague on leave",
    "Moved to another team",
    "Asked for by the client",
    "New in the team",
    "Project handed over",
)
LEAVING = ("Left the company", "Contract ended", "On leave for a year")
REFUSED = ("users", "roles", "audit", "access.explain")
