"""Country codes (ISO 3166-1 alpha-2, and XK for Kosovo) and the names that files use for the usual ones."""

from billhook_common.tabular.names import fold

_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK
YE YT ZA ZM ZW
"""
COUNTRY_CODES = frozenset(_CODES.split())

# English, own, German and Czech names.
_NAMES = {
    "CZ": "Czechia, Czech Republic, Česko, Česká republika, Tschechien",
    "SK": "Slovakia, Slovensko, Slowakei",
    "DE": "Germany, Deutschland, Německo",
    "AT": "Austria, Österreich, Rakousko",
    "NL": "Netherlands, Nederland, Niederlande, Nizozemsko",
    "BE": "Belgium, België, Belgique, Belgien, Belgie",
    "PL": "Poland, Polska, Polen, Polsko",
    "ES": "Spain, España, Spanien, Španělsko",
    "FR": "France, Frankreich, Francie",
    "IT": "Italy, Italia, Italien, Itálie",
    "PT": "Portugal, Portugalsko",
    "HU": "Hungary, Magyarország, Ungarn, Maďarsko",
    "SI": "Slovenia, Slovenija, Slowenien, Slovinsko",
    "HR": "Croatia, Hrvatska, Kroatien, Chorvatsko",
    "RO": "Romania, România, Rumänien, Rumunsko",
    "DK": "Denmark, Danmark, Dänemark, Dánsko",
    "SE": "Sweden, Sverige, Schweden, Švédsko",
    "FI": "Finland, Suomi, Finnland, Finsko",
    "NO": "Norway, Norge, Norwegen, Norsko",
    "CH": "Switzerland, Schweiz, Suisse, Svizzera, Švýcarsko",
    "LU": "Luxembourg, Luxemburg, Lucembursko",
    "LT": "Lithuania, Lietuva, Litauen, Litva",
    "LV": "Latvia, Latvija, Lettland, Lotyšsko",
    "EE": "Estonia, Eesti, Estland, Estonsko",
    "IE": "Ireland, Éire, Irland, Irsko",
    "GB": "United Kingdom, Great Britain, UK, Großbritannien",
    "US": "United States, USA, United States of America",
    "BG": "Bulgaria, България, Bulgarien, Bulharsko",
    "GR": "Greece, Ελλάδα, Griechenland, Řecko",
}
COUNTRY_NAMES = {fold(name): code for code, names in _NAMES.items() for name in names.split(", ")}
