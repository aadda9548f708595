"""Microsoft's ODBC driver, as mssql-python brings it, with the ticket that is in the cache.

odbc.py CONNECTION-STRING: prints a line for each row, its columns with a bar between.
"""
import sys

import mssql_python


def show(cursor):
    for row in cursor.fetchall():
        print(*row, sep="|")


connection = mssql_python.connect(sys.argv[1], autocommit=True)
cursor = connection.cursor()
show(cursor.execute("SELECT SUSER_SNAME(), USER_NAME(), DB_NAME()"))
for _ in range(2):
    show(cursor.execute("SELECT name, salary FROM people WHERE id = ?", 9007199254740993))
show(cursor.execute("SELECT large, exact, rich, text, placed, bytes FROM kinds"))
cursor.execute("SELECT n FROM numbers(20000)")
print(sum(row[0] for row in cursor.fetchall()))
try:
    cursor.execute("SELECT * FROM payroll")
except mssql_python.Error as error:
    print(error)
connection.close()
# In a transaction, which the driver begins by itself.
connection = mssql_python.connect(sys.argv[1], autocommit=False)
show(connection.cursor().execute("SELECT @@TRANCOUNT, SUSER_SNAME()"))
connection.commit()
connection.close()
