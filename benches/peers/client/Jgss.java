import com.sun.management.OperatingSystemMXBean;
import com.sun.security.jgss.ExtendedGSSCredential;
import java.lang.management.ManagementFactory;
import java.security.PrivilegedExceptionAction;
import java.util.Map;
import java.util.Set;
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
 * The JDK's own Kerberos in one process, as krb-benches client is called, but for one client alone:
 *
 * <p>java -Djava.security.krb5.conf=… Jgss CASE CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET
 *
 * <p>Each time it has a subject of its own, so that no ticket of before is in it.
 */
public class Jgss {
    private static final int USERS = 1000;
    private static String which, realm, account, keytab, user, target;
    private static Subject kept;
    private static long numbers;

    private static Subject logIn() throws Exception {
        String principal = account + "@" + realm;
        Map<String, String> options = Map.of("useKeyTab", "true", "keyTab", keytab, "principal", principal,
                "storeKey", "true", "doNotPrompt", "true", "isInitiator", "true");
        AppConfigurationEntry entry = new AppConfigurationEntry(
                "com.sun.security.auth.module.Krb5LoginModule", LoginModuleControlFlag.REQUIRED, options);
        Configuration configuration = new Configuration() {
            @Override
            public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                return new AppConfigurationEntry[] {entry};
            }
        };
        LoginContext context = new LoginContext("client", new Subject(), null, configuration);
        context.login();
        return context.getSubject();
    }

    private static byte[] begin(boolean inAUsersName) throws Exception {
        GSSManager manager = GSSManager.getInstance();
        Oid kerberos = new Oid("1.2.840.113554.1.2.2");
        Oid principal = new Oid("1.2.840.113554.1.2.2.1");
        int lifetime = GSSCredential.DEFAULT_LIFETIME;
        GSSCredential credential =
                manager.createCredential(null, lifetime, kerberos, GSSCredential.INITIATE_ONLY);
        if (inAUsersName) {
            String number = String.format("%04d", numbers++ % USERS);
            GSSName name = manager.createName(user.replace("*", number), GSSName.NT_USER_NAME);
            credential = ((ExtendedGSSCredential) credential).impersonate(name);
        }
        GSSName name = manager.createName(target + "@" + realm, principal);
        GSSContext context = manager.createContext(name, kerberos, credential, lifetime);
        context.requestMutualAuth(true);
        byte[] token = context.initSecContext(new byte[0], 0, 0);
        context.dispose();
        return token;
    }

    private static void ask() throws Exception {
        Subject subject;
        if (which.equals("s4u")) {
            Set<Object> tickets = Set.copyOf(kept.getPrivateCredentials());
            subject = new Subject(false, kept.getPrincipals(), Set.of(), tickets);
        } else {
            subject = logIn();
        }
        PrivilegedExceptionAction<byte[]> action = () -> begin(!which.equals("login"));
        Subject.doAs(subject, action);
    }

    private static long goOn(double seconds) throws Exception {
        long until = System.nanoTime() + (long) (seconds * 1e9);
        long done = 0;
        for (; System.nanoTime() < until; done++) {
            ask();
        }
        return done;
    }

    public static void main(String[] arguments) throws Exception {
        which = arguments[0];
        double seconds = Double.parseDouble(arguments[2]);
        realm = arguments[4];
        account = arguments[5];
        keytab = arguments[6];
        user = arguments[7];
        target = arguments[8];
        kept = logIn();
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        goOn(seconds / 2);
        long begun = System.nanoTime();
        long before = system.getProcessCpuTime();
        long done = goOn(seconds);
        long time = System.nanoTime() - begun;
        long processorTime = system.getProcessCpuTime() - before;
        System.out.printf("%d\t%d%n", time / done, processorTime / done);
    }
}
