import com.sun.security.jgss.ExtendedGSSCredential;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.PrivilegedExceptionAction;
import javax.security.auth.Subject;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * The JDK's own Kerberos as a client: for each line that it reads it logs ACCOUNT in with the keys of
 * KEYTAB, then asks for a context with TARGET, as itself or in the name of the user on the line
 * (S4U2Self and S4U2Proxy), and lets the target accept it with its own keys.
 *
 * <p>java -Djava.security.krb5.conf=… Delegate KEYTAB ACCOUNT TARGET TARGET-KEYTAB
 *
 * <p>Prints "seen" and whom the target saw, or "refused" and the error with its causes; then a dot.
 */
public class Delegate {
    private static byte[] initiate(String target, String user) throws Exception {
        GSSManager manager = GSSManager.getInstance();
        Oid kerberos = new Oid("1.2.840.113554.1.2.2");
        Oid principal = new Oid("1.2.840.113554.1.2.2.1");
        int lifetime = GSSCredential.DEFAULT_LIFETIME;
        GSSCredential credential =
                manager.createCredential(null, lifetime, kerberos, GSSCredential.INITIATE_ONLY);
        if (user != null) {
            GSSName name = manager.createName(user, GSSName.NT_USER_NAME);
            credential = ((ExtendedGSSCredential) credential).impersonate(name);
        }
        GSSName name = manager.createName(target, principal);
        GSSContext context = manager.createContext(name, kerberos, credential, lifetime);
        context.requestMutualAuth(false);
        return context.initSecContext(new byte[0], 0, 0);
    }

    private static String accept(byte[] token) throws Exception {
        GSSContext context = GSSManager.getInstance().createContext((GSSCredential) null);
        context.acceptSecContext(token, 0, token.length);
        return context.getSrcName().toString();
    }

    private static <T> T as(Subject subject, PrivilegedExceptionAction<T> action) throws Exception {
        return Subject.doAs(subject, action);
    }

    private static String ask(String[] arguments, String user) throws Exception {
        Subject client = Keytab.login(arguments[0], arguments[1], true);
        byte[] token = as(client, () -> initiate(arguments[2], user));
        Subject service = Keytab.login(arguments[3], arguments[2], false);
        return as(service, () -> accept(token));
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                System.out.println("seen " + ask(arguments, line.isEmpty() ? null : line));
            } catch (Exception error) {
                System.out.println("refused");
                for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                    System.out.println(cause);
                }
            }
            System.out.println(".");
        }
    }
}
