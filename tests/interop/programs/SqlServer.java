import com.sun.security.jgss.ExtendedGSSCredential;
import java.security.PrivilegedExceptionAction;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import javax.security.auth.Subject;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * Microsoft's JDBC driver as USER, whom ACCOUNT impersonates (the JDK's S4U2Self, and S4U2Proxy when the
 * driver asks for its context).
 *
 * <p>java -Djava.security.krb5.conf=… SqlServer KEYTAB ACCOUNT USER URL
 *
 * <p>Prints a line for each row: its columns, with a bar between.
 */
public class SqlServer {
    private static GSSCredential impersonate(Subject subject, String user) throws Exception {
        PrivilegedExceptionAction<GSSCredential> action =
                () -> {
                    GSSManager manager = GSSManager.getInstance();
                    Oid kerberos = new Oid("1.2.840.113554.1.2.2");
                    GSSCredential own =
                            manager.createCredential(
                                    null,
                                    GSSCredential.DEFAULT_LIFETIME,
                                    kerberos,
                                    GSSCredential.INITIATE_ONLY);
                    GSSName name = manager.createName(user, GSSName.NT_USER_NAME);
                    return ((ExtendedGSSCredential) own).impersonate(name);
                };
        return Subject.doAs(subject, action);
    }

    private static void print(ResultSet rows) throws SQLException {
        int count = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int column = 1; column <= count; column++) {
                line.append(column == 1 ? "" : "|").append(rows.getString(column));
            }
            System.out.println(line);
        }
    }

    private static void refused(Statement statement, String sql) {
        try {
            statement.execute(sql);
            System.out.println("done");
        } catch (SQLException error) {
            System.out.println(error.getErrorCode() + "|" + error.getMessage());
        }
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("integratedSecurity", "true");
        properties.put("authenticationScheme", "JavaKerberos");
        Subject account = Keytab.login(arguments[0], arguments[1], true);
        properties.put("gsscredential", impersonate(account, arguments[2]));
        try (Connection connection = DriverManager.getConnection(arguments[3], properties);
                Statement statement = connection.createStatement()) {
            try (ResultSet rows =
                    statement.executeQuery("SELECT SUSER_SNAME(), USER_NAME(), DB_NAME()")) {
                print(rows);
            }
            // The second time it is prepared.
            for (int time = 0; time < 3; time++) {
                try (PreparedStatement prepared =
                        connection.prepareStatement("SELECT name, salary FROM people WHERE id = ?")) {
                    prepared.setLong(1, 9007199254740993L);
                    try (ResultSet rows = prepared.executeQuery()) {
                        print(rows);
                    }
                }
            }
            try (ResultSet rows = statement.executeQuery("SELECT * FROM kinds")) {
                print(rows);
            }
            try (ResultSet rows = statement.executeQuery("SELECT n, n * 2 FROM numbers(20000)")) {
                long sum = 0;
                while (rows.next()) {
                    sum += rows.getLong(1) + rows.getLong(2);
                }
                System.out.println(sum);
            }
            refused(statement, "SELECT * FROM payroll");
            refused(statement, "EXECUTE AS LOGIN = N'sa'");
            // Its attention is answered, and the connection good after it.
            statement.setQueryTimeout(1);
            refused(statement, "WAITFOR DELAY '00:00:30'");
            statement.setQueryTimeout(0);
            connection.setAutoCommit(false);
            try (ResultSet rows = statement.executeQuery("SELECT @@TRANCOUNT, SUSER_SNAME()")) {
                print(rows);
            }
            connection.commit();
        }
    }
}
