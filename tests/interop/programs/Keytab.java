import java.util.Map;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;

/** An account that logs in with its keys. */
class Keytab {
    private static final String MODULE = "com.sun.security.auth.module.Krb5LoginModule";

    static Subject login(String keytab, String account, boolean initiator) throws Exception {
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
}
