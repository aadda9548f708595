"""pymssql, which is FreeTDS's db-lib, with the ticket that is in the cache.

pymssql_rows.py SERVER-OF-FREETDS.CONF PORT
"""
import sys

import pymssql

connection = pymssql.connect(
    server=sys.argv[1], port=sys.argv[2], database="app", user="", password="", login_timeout=20
)
cursor = connection.cursor()
for statement in [
    "SELECT SUSER_SNAME(), USER_NAME(), DB_NAME()",
    "SELECT name, salary FROM people WHERE id = 9007199254740993",
    "SELECT large, exact, rich, text, bytes FROM kinds",
]:
    cursor.execute(statement)
    for row in cursor.fetchall():
        print(*row, sep="|")
try:
    cursor.execute("SELECT * FROM payroll")
except pymssql.Error as error:
    print(error)
connection.close()
