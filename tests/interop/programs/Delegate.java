import com.sun.security.jgss.ExtendedGSSCredential;
import java.security.PrivilegedExceptionAction;
import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;

/**
 * The JDK's own Kerberos as a client: logs ACCOUNT in with the keys of KEYTAB, then asks for a
 * context with TARGET, as itself or in the name of USER (S4U2Self and S4U2Proxy), and lets the
 * target accept it with its keys from its KEYTAB.
 *
 * <p>java -Djava.security.krb5.conf=… Delegate.java KEYTAB ACCOUNT TARGET TARGET-KEYTAB [USER]
 *
 * <p>Prints whom the target saw; "KDC" and the error's number, or the error, and exits with 1.
 */
public class Delegate {
    private static final String MODULE = "com.sun.security.auth.module.Krb5LoginModule";

    private static Subject login(String keytab, String account, boolean initiator) throws Exception {
        Map<String, String> options =
                Map.of(
                        "useKeyTab", "true",
                        "keyTab", keytab,
                        "principal", account,
                        "storeKey", "true",
                        "doNotPrompt", "true",
                        "isInitiator", Boolean.toString(initiator));
        Configuration configuration =
                new Configuration() {
                    @Override
                    public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                        LoginModuleControlFlag required = LoginModuleControlFlag.REQUIRED;
                        return new AppConfigurationEntry[] {
                            new AppConfigurationEntry(MODULE, required, options)
                        };
                    }
                };
        LoginContext context = new LoginContext("", new Subject(), null, configuration);
        context.login();
        return context.getSubject();
    }

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

    public static void main(String[] arguments) {
        try {
            Subject client = login(arguments[0], arguments[1], true);
            String user = arguments.length > 4 ? arguments[4] : null;
            byte[] token = as(client, () -> initiate(arguments[2], user));
            Subject service = login(arguments[3], arguments[2], false);
            System.out.println(as(service, () -> accept(token)));
        } catch (Throwable error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.out.println(cause);
            }
            System.exit(1);
        }
    }
}
